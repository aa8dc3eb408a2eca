// SPDX-License-Identifier: Apache-2.0
// Writes SVG 1.1, as much of it as line charts take. Lengths are in px, x to the right, y downwards.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace assay::pipeline {

struct Stroke {
  std::string colour = "#000000";
  double width = 1;
  std::string dashes;  // "6 3"; empty: none
};

enum class Anchor { kStart, kMiddle, kEnd };  // where a text's x is

class Svg {
 public:
  using Point = std::pair<double, double>;

  Svg(double width, double height) : width_(width), height_(height) {}

  void rectangle(double x, double y, double width, double height, const std::string& fill);
  void line(Point a, Point b, const Stroke& stroke) { polyline({a, b}, stroke); }
  void polyline(const std::vector<Point>& points, const Stroke& stroke);
  void polygon(const std::vector<Point>& points, const std::string& fill);
  void circle(Point centre, double radius, const std::string& fill);
  // Any text; what XML reads as markup is escaped, control characters are left out.
  void text(Point at, const std::string& text, double size, Anchor anchor = Anchor::kStart, bool is_bold = false);

  // The whole file, on white. No script, no link, no font of its own.
  std::string file() const;

 private:
  const double width_, height_;
  std::string body_;
};

}  // namespace assay::pipeline

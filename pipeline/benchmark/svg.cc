// SPDX-License-Identifier: Apache-2.0
#include "pipeline/benchmark/svg.h"

#include <cstdio>

namespace assay::pipeline {
namespace {

constexpr char kInk[] = "#222222";

std::string px(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.2f", value);
  return out;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
      out += c;
    }
  }
  return out;
}

std::string listed(const std::vector<Svg::Point>& points) {
  std::string out;
  for (const auto& [x, y] : points) out += (out.empty() ? "" : " ") + px(x) + "," + px(y);
  return out;
}

}  // namespace

void Svg::rectangle(double x, double y, double width, double height, const std::string& fill) {
  body_ += "<rect x=\"" + px(x) + "\" y=\"" + px(y) + "\" width=\"" + px(width) + "\" height=\"" + px(height) +
           "\" fill=\"" + fill + "\"/>\n";
}

void Svg::polyline(const std::vector<Point>& points, const Stroke& stroke) {
  body_ += "<polyline points=\"" + listed(points) + "\" fill=\"none\" stroke=\"" + stroke.colour +
           "\" stroke-width=\"" + px(stroke.width) + "\"" +
           (stroke.dashes.empty() ? "" : " stroke-dasharray=\"" + stroke.dashes + "\"") + "/>\n";
}

void Svg::polygon(const std::vector<Point>& points, const std::string& fill) {
  body_ += "<polygon points=\"" + listed(points) + "\" fill=\"" + fill + "\"/>\n";
}

void Svg::circle(Point centre, double radius, const std::string& fill) {
  body_ += "<circle cx=\"" + px(centre.first) + "\" cy=\"" + px(centre.second) + "\" r=\"" + px(radius) + "\" fill=\"" +
           fill + "\"/>\n";
}

void Svg::text(Point at, const std::string& text, double size, Anchor anchor, bool is_bold) {
  const char* where = anchor == Anchor::kStart ? "start" : anchor == Anchor::kMiddle ? "middle" : "end";
  body_ += "<text x=\"" + px(at.first) + "\" y=\"" + px(at.second) + "\" font-size=\"" + px(size) +
           "\" text-anchor=\"" + where + "\" fill=\"" + kInk + "\"" + (is_bold ? " font-weight=\"bold\"" : "") + ">" +
           escaped(text) + "</text>\n";
}

std::string Svg::file() const {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + px(width_) +
         "\" height=\"" + px(height_) + "\" viewBox=\"0 0 " + px(width_) + " " + px(height_) +
         "\" font-family=\"Helvetica, Arial, 'Liberation Sans', sans-serif\">\n<rect width=\"100%\" height=\"100%\" "
         "fill=\"#ffffff\"/>\n" +
         body_ + "</svg>\n";
}

}  // namespace assay::pipeline

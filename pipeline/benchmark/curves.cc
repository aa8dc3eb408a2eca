// SPDX-License-Identifier: Apache-2.0
#include "pipeline/benchmark/curves.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>
#include <vector>

#include "pipeline/benchmark/summary.h"
#include "pipeline/benchmark/svg.h"

namespace assay::pipeline {
namespace {

// Okabe and Ito's colours, which differ for colour-blind readers, too; yellow is left out, as it vanishes on white.
constexpr std::array<const char*, 7> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                 "#56B4E9", "#E69F00", "#222222"};
constexpr std::array<size_t, 2> kShown = {kImageAuroc, kPixelAupro};
constexpr char kOracle[] = "#888888";
constexpr char kGrid[] = "#e3e3e3";
constexpr char kAxis[] = "#666666";

// px
constexpr double kPlotWidth = 330, kPlotHeight = 230;
constexpr double kLeft = 52, kTop = 44, kBetween = 66, kBelow = 56, kRight = 24;
constexpr double kLegendLine = 20, kSmall = 11, kNormal = 12.5, kLarge = 14;
constexpr double kPointRadius = 3.2, kCap = 3.5, kLineWidth = 1.8;
constexpr double kApart = 1.6, kAllApart = 24;  // between the bars of two rows at one alpha, and at most those of all

struct CurvePoint {
  double alpha = 0;
  Spread percent;
};
struct Curve {
  size_t row = 0;
  std::vector<CurvePoint> points;  // alpha ascending
};
struct Panel {
  std::string title;
  std::array<std::vector<Curve>, kShown.size()> curves;
};

// The sets of one alpha that a panel's point is the mean of.
using SetsOfAlpha = std::vector<std::pair<double, std::vector<size_t>>>;

Panel make_panel(const BenchmarkResults& results, const std::string& title, const SetsOfAlpha& alphas) {
  Panel panel;
  panel.title = title;
  for (size_t f = 0; f < kShown.size(); ++f) {
    for (size_t r = 0; r < results.rows.size(); ++r) {
      Curve curve;
      curve.row = r;
      for (const auto& [alpha, sets] : alphas) {
        const std::optional<Spread> mean = mean_over_sets(results, r, kShown[f], sets);
        if (!mean) continue;
        CurvePoint point = {alpha, {100 * mean->mean, std::nullopt}};
        if (mean->deviation) point.percent.deviation = 100 * *mean->deviation;
        curve.points.push_back(point);
      }
      if (!curve.points.empty()) panel.curves[f].push_back(curve);
    }
  }
  return panel;
}

std::vector<Panel> make_panels(const BenchmarkResults& results) {
  std::set<std::string> categories;
  std::set<double> alphas;
  for (const BenchmarkSet& set : results.sets) {
    categories.insert(set.category);
    alphas.insert(set.alpha);
  }
  const auto sets_of = [&](const std::string* category) {
    SetsOfAlpha found;
    for (const double alpha : alphas) {
      std::vector<size_t> sets;
      for (size_t s = 0; s < results.sets.size(); ++s) {
        if (results.sets[s].alpha == alpha && (category == nullptr || results.sets[s].category == *category)) {
          sets.push_back(s);
        }
      }
      if (sets.size() == (category == nullptr ? categories.size() : 1)) found.emplace_back(alpha, sets);
    }
    return found;
  };
  std::vector<Panel> panels;
  if (categories.size() > 1) {
    panels.push_back(make_panel(results, text("mean of ", categories.size(), " categories"), sets_of(nullptr)));
  }
  for (const std::string& category : categories) {
    if (categories.size() <= kMaxCategories) panels.push_back(make_panel(results, category, sets_of(&category)));
  }
  return panels;
}

// ---- Axes

struct Scale {
  double low = 0, high = 1, step = 1;
};

// Round numbers around the values, 4 to 8 steps.
Scale scale_around(double low, double high) {
  Scale scale;
  const double range = std::max(high - low, 1e-3);
  scale.step = std::pow(10, std::floor(std::log10(range / 4)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    if (range / (factor * scale.step) > 6) continue;
    scale.step *= factor;
    break;
  }
  scale.low = scale.step * std::floor(low / scale.step);
  scale.high = scale.step * std::ceil(high / scale.step);
  if (scale.high - scale.low < scale.step) scale.high = scale.low + scale.step;
  return scale;
}

std::string tick_label(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.4g", std::abs(value) < 1e-9 ? 0 : value);
  return out;
}

struct Axes {
  double left, top;
  Scale x, y;
  double px_x(double v) const { return left + kPlotWidth * (v - x.low) / (x.high - x.low); }
  double px_y(double v) const { return top + kPlotHeight * (1 - (v - y.low) / (y.high - y.low)); }
};

Axes make_axes(const std::vector<Curve>& curves, double left, double top) {
  double low_x = 1e9, high_x = -1e9, low_y = 1e9, high_y = -1e9;
  for (const Curve& curve : curves) {
    for (const CurvePoint& point : curve.points) {
      const double bar = point.percent.deviation.value_or(0);
      low_x = std::min(low_x, point.alpha);
      high_x = std::max(high_x, point.alpha);
      low_y = std::min(low_y, point.percent.mean - bar);
      high_y = std::max(high_y, point.percent.mean + bar);
    }
  }
  Axes axes = {left, top, scale_around(low_x, high_x), scale_around(low_y, high_y)};
  const double margin = 0.04 * (high_x - low_x);  // so that the first and last bars do not lie on the frame
  axes.x.low = low_x - margin;
  axes.x.high = high_x + margin;
  return axes;
}

void draw_axes(const Axes& axes, const std::string& title, const std::string& below, Svg* svg) {
  const double right = axes.left + kPlotWidth, bottom = axes.top + kPlotHeight;
  svg->text({axes.left, axes.top - 12}, title, kLarge, Anchor::kStart, /*is_bold=*/true);
  const int64_t steps = std::llround((axes.y.high - axes.y.low) / axes.y.step);
  for (int64_t i = 0; i <= steps; ++i) {
    const double value = axes.y.low + static_cast<double>(i) * axes.y.step;
    const double y = axes.px_y(value);
    svg->line({axes.left, y}, {right, y}, {kGrid, 1, ""});
    svg->text({axes.left - 8, y + 4}, tick_label(value), kSmall, Anchor::kEnd);
  }
  for (double value = axes.x.step * std::ceil(axes.x.low / axes.x.step); value <= axes.x.high; value += axes.x.step) {
    svg->line({axes.px_x(value), bottom}, {axes.px_x(value), bottom + 5}, {kAxis, 1, ""});
    svg->text({axes.px_x(value), bottom + 19}, tick_label(value), kSmall, Anchor::kMiddle);
  }
  svg->line({axes.left, bottom}, {right, bottom}, {kAxis, 1, ""});
  svg->line({axes.left, axes.top}, {axes.left, bottom}, {kAxis, 1, ""});
  svg->text({axes.left + kPlotWidth / 2, bottom + 36}, below, kNormal, Anchor::kMiddle);
}

// ---- Curves

// Colours repeat after seven rows, dotted and with another shape of the points; oracles are grey and dashed.
struct Look {
  Stroke stroke;
  size_t shape = 0;
};

Look look_of(const BenchmarkResults& results, size_t row) {
  if (results.rows[row].is_oracle) return {{kOracle, kLineWidth, "6 4"}, 0};
  size_t place = 0;  // among the others
  for (size_t r = 0; r < row; ++r) place += !results.rows[r].is_oracle;
  const size_t shape = place / kColours.size();
  return {{kColours[place % kColours.size()], kLineWidth, shape > 0 ? "2 2.5" : ""}, shape};
}

void draw_mark(Svg::Point at, const Look& look, Svg* svg) {
  const auto [x, y] = at;
  const double r = kPointRadius;
  switch (look.shape % 3) {
    case 0:
      svg->circle(at, r, look.stroke.colour);
      break;
    case 1:
      svg->rectangle(x - r, y - r, 2 * r, 2 * r, look.stroke.colour);
      break;
    default:
      svg->polygon({{x, y - 1.4 * r}, {x + 1.4 * r, y + r}, {x - 1.4 * r, y + r}}, look.stroke.colour);
  }
}

void draw_curve(const BenchmarkResults& results, const Curve& curve, const Axes& axes, Svg* svg) {
  const auto num_rows = static_cast<double>(results.rows.size());
  const double aside = std::min(kApart, kAllApart / num_rows) * (static_cast<double>(curve.row) - 0.5 * (num_rows - 1));
  const Look look = look_of(results, curve.row);
  std::vector<Svg::Point> points;
  for (const CurvePoint& point : curve.points) {
    const double x = axes.px_x(point.alpha) + aside;
    points.emplace_back(x, axes.px_y(point.percent.mean));
    if (!point.percent.deviation) continue;
    const Stroke thin = {look.stroke.colour, 1, ""};
    const double low = axes.px_y(point.percent.mean - *point.percent.deviation);
    const double high = axes.px_y(point.percent.mean + *point.percent.deviation);
    svg->line({x, low}, {x, high}, thin);
    for (const double end : {low, high}) svg->line({x - kCap, end}, {x + kCap, end}, thin);
  }
  svg->polyline(points, look.stroke);
  for (const Svg::Point& point : points) draw_mark(point, look, svg);
}

void draw_legend(const BenchmarkResults& results, double left, double top, Svg* svg) {
  for (size_t r = 0; r < results.rows.size(); ++r) {
    const double y = top + kLegendLine * static_cast<double>(r);
    svg->line({left, y}, {left + 30, y}, look_of(results, r).stroke);
    draw_mark({left + 15, y}, look_of(results, r), svg);
    svg->text({left + 38, y + 4}, results.rows[r].name(), kNormal);
  }
}

std::string alpha_label(const BenchmarkResults& results) {
  const bool is_of_normal = std::any_of(results.sets.begin(), results.sets.end(), [](const BenchmarkSet& set) {
    return set.injection && set.injection->alpha_of == dataset::Injection::AlphaOf::kNormal;
  });
  return is_of_normal ? "alpha, anomalous for each normal training image" : "alpha, share of anomalous training images";
}

bool is_worth_drawing(const std::vector<Panel>& panels) {
  for (const Panel& panel : panels) {
    for (const std::vector<Curve>& curves : panel.curves) {
      for (const Curve& curve : curves) {
        if (curve.points.size() > 1) return true;
      }
    }
  }
  return false;
}

}  // namespace

std::string curves_svg(const BenchmarkResults& results) {
  const std::vector<Panel> panels = make_panels(results);
  if (!is_worth_drawing(panels)) return "";
  size_t longest = 0;
  for (const ComparedRow& row : results.rows) longest = std::max(longest, row.name().size());
  const double panel_height = kTop + kPlotHeight + kBelow;
  const double legend_height = kTop + kLegendLine * static_cast<double>(results.rows.size());
  const double legend_left = kLeft + static_cast<double>(kShown.size()) * (kPlotWidth + kBetween) - kBetween + kRight;
  const double legend_width = 38 + 0.56 * kNormal * static_cast<double>(longest) + kRight;
  Svg svg(legend_left + legend_width, std::max(panel_height * static_cast<double>(panels.size()), legend_height));
  for (size_t p = 0; p < panels.size(); ++p) {
    for (size_t f = 0; f < kShown.size(); ++f) {
      const std::vector<Curve>& curves = panels[p].curves[f];
      if (curves.empty()) continue;
      const double left = kLeft + static_cast<double>(f) * (kPlotWidth + kBetween);
      const Axes axes = make_axes(curves, left, kTop + panel_height * static_cast<double>(p));
      draw_axes(axes, panels[p].title + ": " + kFigures[kShown[f]].title + ", %", alpha_label(results), &svg);
      for (const Curve& curve : curves) draw_curve(results, curve, axes, &svg);
    }
  }
  draw_legend(results, legend_left, kTop + 6, &svg);
  return svg.file();
}

}  // namespace assay::pipeline

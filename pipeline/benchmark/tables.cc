// SPDX-License-Identifier: Apache-2.0
#include "pipeline/benchmark/tables.h"

#include <algorithm>
#include <cstdio>

#include "kernels/base/text.h"
#include "pipeline/benchmark/summary.h"
#include "pipeline/dataset/csv.h"

namespace assay::pipeline {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kNothing[] = "–";

std::string number(const char* format, double value) {
  char out[48];
  std::snprintf(out, sizeof out, format, value);
  return out;
}

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : between) + part;
  return all;
}

// ---- Markdown

std::string table_line(const std::vector<std::string>& fields) {
  std::string line = "|";
  for (const std::string& field : fields) {
    line += " ";
    for (const char c : field) line += c == '|' ? "\\|" : c == '\n' ? std::string(" ") : std::string(1, c);
    line += " |";
  }
  return line + "\n";
}

std::string table_head(const std::vector<std::string>& fields) {
  std::string rule = "|";
  for (size_t i = 0; i < fields.size(); ++i) rule += "---|";
  return table_line(fields) + rule + "\n";
}

std::string shown(const std::optional<Spread>& spread, double scale = 100) {
  if (!spread) return kNothing;
  std::string out = number("%.1f", scale * spread->mean);
  if (spread->deviation) out += number(" ± %.1f", scale * *spread->deviation);
  return out;
}

std::string percent(const std::optional<double>& share) { return share ? number("%.0f %%", 100 * *share) : ""; }

std::string row_section(const BenchmarkResults& results) {
  std::string md = "## Rows\n\n" + table_head({"row", "flags of `assay run`"});
  bool has_oracle = false;
  for (const ComparedRow& row : results.rows) {
    const std::string flags = joined(row.row.flags, " ");
    md += table_line({row.name(), flags.empty() ? "none" : "`" + flags + "`"});
    has_oracle = has_oracle || row.is_oracle;
  }
  if (has_oracle) {
    md +=
        "\nAn oracle is told by labels which training images are anomalous, and does not learn from them: what a "
        "perfect selection would reach, and no result.\n";
  }
  return md;
}

std::string origin_of(const BenchmarkSet& set) {
  if (!set.injection) return "as listed";
  const dataset::Injection& i = *set.injection;
  const bool is_moved = i.overlap == dataset::Injection::Overlap::kMoved;
  return text("injected, alpha of ", i.alpha_of == dataset::Injection::AlphaOf::kAll ? "all" : "the normal ones",
              ", seed ", i.seed, ", ", is_moved ? "moved out of the test images" : "kept in the test images");
}

std::string data_section(const BenchmarkResults& results) {
  std::string md = "\n## Data\n\n";
  md += table_head({"set", "training images", "of them anomalous", "share of all", "for each normal one",
                    "test images normal + anomalous", "also in training", "how anomalies got there"});
  for (size_t s = 0; s < results.sets.size(); ++s) {
    const SetCounts& n = results.counts[s];
    const int64_t all = n.train_normal + n.train_anomalous;
    if (all == 0) continue;
    const auto share = [&](int64_t of) {
      return of == 0 ? kNothing
                     : number("%.1f %%", 100.0 * static_cast<double>(n.train_anomalous) / static_cast<double>(of));
    };
    md += table_line({name_of(results.sets[s]), text(all), text(n.train_anomalous), share(all), share(n.train_normal),
                      text(n.test_normal, " + ", n.test_anomalous), text(n.trained_and_tested),
                      origin_of(results.sets[s])});
  }
  return md;
}

// Sets that the benchmark has come to.
std::vector<size_t> sets_where(const BenchmarkResults& results, bool is_contaminated) {
  std::vector<size_t> sets;
  for (size_t s = 0; s < results.sets.size(); ++s) {
    const bool is_reached = std::any_of(results.cells.begin(), results.cells.end(), [s](const Cell& cell) {
      return cell.set == s && (!cell.result.is_null() || !cell.failure.empty());
    });
    if (is_reached && (results.sets[s].alpha > 0) == is_contaminated) sets.push_back(s);
  }
  return sets;
}

std::string mean_section(const BenchmarkResults& results, const std::vector<SummaryLine>& lines) {
  std::string md;
  for (const bool is_contaminated : {true, false}) {
    const std::vector<size_t> sets = sets_where(results, is_contaminated);
    if (sets.empty()) continue;
    md += text("\n## Mean over the ", sets.size(), " sets of alpha ", is_contaminated ? "above 0" : "0", "\n\n");
    md += table_head({"row", kFigures[kImageAuroc].title, kFigures[kPixelAuroc].title, kFigures[kPixelAupro].title,
                      "I-AUROC against the best single stage, where it is worst"});
    for (size_t r = 0; r < results.rows.size(); ++r) {
      std::vector<std::string> fields = {results.rows[r].name()};
      for (const size_t figure : {kImageAuroc, kPixelAuroc, kPixelAupro}) {
        fields.push_back(shown(mean_over_sets(results, r, figure, sets)));
      }
      const std::optional<double> worst = worst_against_single(results, lines, r, sets);
      fields.push_back(worst ? number("%+.1f", 100 * *worst) : kNothing);
      md += table_line(fields);
    }
  }
  return md;
}

std::string set_section(const BenchmarkResults& results, const std::vector<SummaryLine>& lines) {
  std::string md = "\n## Each set\n\n";
  md +=
      "Closed is the share of the gap between the first single stage and the first oracle of the row's detector, where "
      "that is at least a point.\n\n";
  md += table_head({"category", "alpha", "row", kFigures[kImageAuroc].title, "closed", kFigures[kPixelAuroc].title,
                    kFigures[kPixelAupro].title, "closed", kFigures[kStage1Auroc].title, kFigures[kAlphaKept].title,
                    kFigures[kSeconds].title});
  for (const SummaryLine& line : lines) {
    const BenchmarkSet& set = results.sets[line.set];
    const auto& f = line.figures;
    if (line.num_seeds == 0 && line.num_failed == 0) continue;
    const std::string failed = line.num_failed > 0 ? text(" (", line.num_failed, " failed)") : "";
    md += table_line({set.category, text(set.alpha), results.rows[line.row].name() + failed, shown(f[kImageAuroc]),
                      percent(line.closed_image_auroc), shown(f[kPixelAuroc]), shown(f[kPixelAupro]),
                      percent(line.closed_pixel_aupro), shown(f[kStage1Auroc]), shown(f[kAlphaKept]),
                      shown(f[kSeconds], 1)});
  }
  return md;
}

std::string failure_section(const BenchmarkResults& results) {
  std::string md;
  for (const Cell& cell : results.cells) {
    if (cell.failure.empty()) continue;
    if (md.empty()) md = "\n## Failed\n\n" + table_head({"set", "row", "seed", "reason"});
    md += table_line({name_of(results.sets[cell.set]), results.rows[cell.row].name(), text(cell.seed), cell.failure});
  }
  return md;
}

// ---- CSV and JSON

std::string csv_number(const std::optional<double>& value) { return value ? number("%.6g", *value) : ""; }

Json json_number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json json_spread(const std::optional<Spread>& spread) {
  if (!spread) return Json();
  return {{"mean", spread->mean}, {"deviation", json_number(spread->deviation)}};
}

Json json_set(const BenchmarkSet& set, const SetCounts& n) {
  Json json = {{"category", set.category},
               {"alpha", set.alpha},
               {"data", set.data},
               {"n_train", n.train_normal + n.train_anomalous},
               {"n_train_anomalous", n.train_anomalous},
               {"n_test_normal", n.test_normal},
               {"n_test_anomalous", n.test_anomalous},
               {"n_trained_and_tested", n.trained_and_tested},
               {"injection", Json()}};
  if (set.injection) {
    json["injection"] = {{"alpha_of", to_string(set.injection->alpha_of)},
                         {"overlap", to_string(set.injection->overlap)},
                         {"up_to", set.injection->up_to},
                         {"seed", set.injection->seed}};
  }
  return json;
}

}  // namespace

std::string markdown_tables(const BenchmarkResults& results) {
  std::vector<std::string> seeds;
  for (const uint64_t seed : results.seeds) seeds.push_back(text(seed));
  std::string md = "# Benchmark\n\nPercent; " +
                   std::string(seeds.size() > 1 ? "means and standard deviations over " : "") +
                   (seeds.size() > 1 ? "seeds " : "seed ") + joined(seeds, ", ") + ".\n\n";
  const std::vector<SummaryLine> lines = summarise(results);
  md += row_section(results) + data_section(results) + mean_section(results, lines);
  return md + set_section(results, lines) + failure_section(results);
}

std::string csv_table(const BenchmarkResults& results) {
  std::string csv = "category,alpha,row,oracle,seeds,failed";
  for (const Figure& figure : kFigures) csv += text(",", figure.column, ",", figure.column, "_deviation");
  csv += ",closed_image_auroc,closed_pixel_aupro\n";
  for (const SummaryLine& line : summarise(results)) {
    const BenchmarkSet& set = results.sets[line.set];
    const ComparedRow& row = results.rows[line.row];
    csv += text(dataset::csv_field(set.category), ",", set.alpha, ",", dataset::csv_field(row.row.name), ",",
                row.is_oracle ? 1 : 0, ",", line.num_seeds, ",", line.num_failed);
    for (const std::optional<Spread>& spread : line.figures) {
      csv += "," + csv_number(spread ? std::optional<double>(spread->mean) : std::nullopt) + "," +
             csv_number(spread ? spread->deviation : std::nullopt);
    }
    csv += "," + csv_number(line.closed_image_auroc) + "," + csv_number(line.closed_pixel_aupro) + "\n";
  }
  return csv;
}

Json json_tables(const BenchmarkResults& results) {
  Json json;
  json["seeds"] = results.seeds;
  for (const ComparedRow& row : results.rows) {
    json["rows"].push_back(
        {{"name", row.row.name}, {"flags", row.row.flags}, {"detector", row.detector}, {"oracle", row.is_oracle}});
  }
  for (size_t s = 0; s < results.sets.size(); ++s) json["sets"].push_back(json_set(results.sets[s], results.counts[s]));
  json["table"] = Json::array();
  for (const SummaryLine& line : summarise(results)) {
    Json entry = {{"category", results.sets[line.set].category},
                  {"alpha", results.sets[line.set].alpha},
                  {"row", results.rows[line.row].row.name},
                  {"oracle", results.rows[line.row].is_oracle},
                  {"seeds", line.num_seeds},
                  {"failed", line.num_failed}};
    for (size_t f = 0; f < kFigures.size(); ++f) {
      entry[kFigures[f].column] = json_spread(line.figures[f]);
    }
    entry["closed_image_auroc"] = json_number(line.closed_image_auroc);
    entry["closed_pixel_aupro"] = json_number(line.closed_pixel_aupro);
    json["table"].push_back(entry);
  }
  json["cells"] = Json::array();
  for (const Cell& cell : results.cells) {
    json["cells"].push_back({{"category", results.sets[cell.set].category},
                             {"alpha", results.sets[cell.set].alpha},
                             {"row", results.rows[cell.row].row.name},
                             {"oracle", results.rows[cell.row].is_oracle},
                             {"seed", cell.seed},
                             {"run", cell.folder},
                             {"failure", cell.failure.empty() ? Json() : Json(cell.failure)},
                             {"result", cell.result}});
  }
  return json;
}

}  // namespace assay::pipeline

// SPDX-License-Identifier: Apache-2.0
#include "tools/compare/variants.h"

#include <utility>

namespace assay::tools {
namespace {

using pipeline::Aggregate;
using pipeline::Over;

Variant two_stage(const std::string& name, Aggregate aggregate, Over over, const std::string& keep, bool rescue) {
  Variant v;
  v.name = name;
  v.stage1.aggregate.aggregate = aggregate;
  v.stage1.aggregate.over = over;
  v.stage1.keep = pipeline::KeepRule::from_name(keep).value();
  v.stage1.rescue_patches = rescue;
  return v;
}

std::string named(Aggregate aggregate, Over over) {
  const std::string name = aggregate_name(aggregate);
  return needs_distance_table(aggregate) ? name : name + "/" + over_name(over);
}

}  // namespace

std::vector<Variant> quick_variants() {
  std::vector<Variant> list(3);
  list[0].name = "single random";
  list[0].kind = Variant::Kind::kSingle;
  list[1].name = "single greedy 2 %";
  list[1].kind = Variant::Kind::kSingle;
  list[1].detector.patchcore.coreset_ratio = 0.02;
  list[1].detector.patchcore.selector = models::PatchcoreOptions::Selector::kGreedy;
  list[2].name = "clean";
  list[2].kind = Variant::Kind::kClean;
  list.push_back(two_stage("default", Aggregate::kSupport, Over::kHeldOut, "auto", /*rescue=*/false));
  list.push_back(list.back());
  list.back().name = "default with greedy 2 % in stage 2";
  list.back().detector = list[1].detector;
  return list;
}

std::vector<Variant> all_variants() {
  std::vector<Variant> list = quick_variants();
  list.push_back(two_stage("default with patches rescued", Aggregate::kSupport, Over::kHeldOut, "auto", true));
  Variant rounds = two_stage("default with 2 rounds", Aggregate::kSupport, Over::kHeldOut, "auto", false);
  rounds.stage1.rounds = 2;
  list.push_back(rounds);
  list.push_back(rounds);
  list.back().name = "default with 2 rounds and greedy 2 %";
  list.back().detector = list[1].detector;
  const std::vector<std::pair<Aggregate, Over>> rules = {
      {Aggregate::kMean, Over::kAll},         {Aggregate::kMean, Over::kHeldOut},
      {Aggregate::kMax, Over::kAll},          {Aggregate::kMax, Over::kHeldOut},
      {Aggregate::kMaxVar, Over::kAll},       {Aggregate::kMaxVar, Over::kHeldOut},
      {Aggregate::kMedian, Over::kAll},       {Aggregate::kMedian, Over::kHeldOut},
      {Aggregate::kTrimmed, Over::kAll},      {Aggregate::kTrimmed, Over::kHeldOut},
      {Aggregate::kExpected, Over::kHeldOut}, {Aggregate::kSupport, Over::kHeldOut}};
  for (const auto& [aggregate, over] : rules) {
    for (const char* keep : {"0.4", "0.6", "0.8"}) {
      list.push_back(two_stage(named(aggregate, over) + " keep " + keep, aggregate, over, keep, false));
    }
  }
  return list;
}

}  // namespace assay::tools

// SPDX-License-Identifier: Apache-2.0
#include "tools/assay/run_flags.h"

#include <algorithm>
#include <sstream>

#include "engine/device/device.h"
#include "kernels/base/parallel.h"
#include "models/backbones/backbone_list.h"
#include "pipeline/run/memory_needs.h"

namespace assay::tools {
namespace {

constexpr int64_t kMomentsOfTrajectory = 20;     // each costs a score of all images under the sub-model
constexpr double kMaxSeed = 9007199254740992.0;  // 2^53, exact as a number of JSON

}  // namespace

std::vector<std::string> split_at_commas(const std::string& s) {
  std::vector<std::string> parts;
  std::istringstream in(s);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

dataset::Kind kind_from_name(const std::string& name) {
  for (const dataset::Kind kind : {dataset::Kind::kFolder, dataset::Kind::kMvtec, dataset::Kind::kCsv,
                                   dataset::Kind::kVisa, dataset::Kind::kRealIad}) {
    if (name == dataset::to_string(kind)) return kind;
  }
  return dataset::Kind::kAuto;
}

namespace {

// What stage 1 does, in so far as it depends on the detectors: after these are known.
Status choose_stage1(const Flags& flags, pipeline::RunOptions* options) {
  pipeline::RunOptions& o = *options;
  const auto last = models::make_detector(o.detector, o.detector_options);
  if (!last.ok()) return last.status();
  const std::string& aggregate = flags.text("aggregate");
  if (aggregate != "auto") o.aggregate.aggregate = pipeline::aggregate_from_name(aggregate).value();
  o.track_scores = flags.integer("track-scores");
  o.ensemble = flags.boolean("ensemble");
  const std::string name = pipeline::first_detector(o);
  const auto made = models::make_detector(name, o.detector_options);
  if (!made.ok()) return made.status();
  models::Detector& first = *made.value();
  const bool first_is_bank = first.memory_bank() != nullptr;
  if (aggregate == "auto") {
    o.aggregate.aggregate = first_is_bank ? pipeline::Aggregate::kSupport : pipeline::Aggregate::kMean;
  }
  if (pipeline::needs_distance_table(o.aggregate.aggregate) && !first_is_bank) {
    return Status::error("--aggregate=", aggregate, ": needs a memory bank in stage 1, ", name, " is none");
  }
  const int64_t steps = first.training_steps(models::Schedule::kSubModel);
  const bool tracks = pipeline::needs_tracked_scores(o.aggregate.aggregate);
  if ((tracks || o.track_scores > 0) && steps == 0) {
    return Status::error(tracks ? "--aggregate=trajectory" : "--track-scores",
                         ": needs a detector that trains in stage 1, ", name, " does not");
  }
  if (tracks && o.track_scores == 0) o.track_scores = std::max<int64_t>(1, steps / kMomentsOfTrajectory);
  if (o.ensemble && o.single_stage)
    return Status::error("--ensemble: needs the sub-models that --single-stage leaves out");
  if (o.ensemble && name != o.detector) {
    return Status::error("--ensemble: its members are stage 1's, --stage1-detector=", name,
                         " is another than --detector=", o.detector);
  }
  const bool rescues = flags.text("rescue") == "patches";
  if (rescues && !(first_is_bank && last.value()->memory_bank() != nullptr)) {
    return Status::error("--rescue=patches: needs memory banks in both stages");
  }
  o.rescue = rescues ? pipeline::Rescue::kPatches : pipeline::Rescue::kNone;
  return Status();
}

// The features that the detectors see, and what of the detectors depends on them.
Status choose_features(const Flags& flags, pipeline::RunOptions* options) {
  pipeline::RunOptions& o = *options;
  bool is_pyramid = false;
  for (const std::string& name : {o.detector, pipeline::first_detector(o)}) {
    is_pyramid = is_pyramid || models::find_detector(name)->takes_packed_levels;
  }
  const bool trains = models::make_detector(o.detector, o.detector_options).value()->trains();
  const pipeline::FeatureUse use = is_pyramid ? pipeline::FeatureUse::kPyramid
                                   : trains   ? pipeline::FeatureUse::kTrained
                                              : pipeline::FeatureUse::kPatches;
  o.features.patches = pipeline::default_patches(o.features.backbone, use);
  if (flags.given("levels")) o.features.patches.levels = split_at_commas(flags.text("levels"));
  if (!flags.given("image-size") && o.features.patches.prefix_tokens) {
    // 392 px are published; 280 px are said to cost 0.14 points of image AUROC on MVTec AD for half of the work.
    o.features.input_size.image_size = flags.text("preset") == "fast" ? 280 : 392;
  }
  const auto features = pipeline::make_patch_features(o.features);
  if (!features.ok()) return features.status();
  o.features.input_size.multiple = features.value()->backbone().side_multiple();
  models::DinomalyOptions& trained = o.detector_options.dinomaly;
  trained.groups = pipeline::reconstruction_groups(*features.value(), trained.blocks);
  if (is_pyramid) o.detector_options.rd.shape = pipeline::rd_shape(*features.value());
  return Status();
}

}  // namespace

const std::vector<Flag>& data_flags() {
  static const std::vector<Flag> table = {
      {"root", FlagType::kText, "", "DIR", 0, 0, "folder that the paths of a csv or JSON list are relative to"},
      {"kind", FlagType::kText, "auto", "auto|folder|mvtec|csv|visa|realiad", 0, 0, "layout of DATA"},
      {"category", FlagType::kText, "", "NAME", 0, 0, "which object of a VisA csv, which subfolder of an MVTec folder"},
      {"strict", FlagType::kBool, "false", "", 0, 0,
       "an unusable image is an error; otherwise it is recorded and left out"},
  };
  return table;
}

const std::vector<Flag>& training_flags() {
  static const std::vector<Flag> table = {
      {"detector", FlagType::kText, "patchcore", "patchcore|softpatch|padim|dinomaly|rd", 0, 0, "final detector"},
      {"stage1-detector", FlagType::kText, "", "NAME", 0, 0,
       "detector of stage 1; if not given the final one's kind, and patchcore where that trains, unless --ensemble, "
       "--track-scores or --aggregate=trajectory asks for its sub-models"},
      {"backbone", FlagType::kText, "efficientnet_lite0", "NAME", 0, 0,
       "feature extractor; see `assay import-weights --help`"},
      {"weights", FlagType::kText, "", "FILE", 0, 0,
       "of a backbone that has none built in: PyTorch .pth or .safetensors"},
      {"levels", FlagType::kText, "", "A,B", 0, 0,
       "backbone levels; the first one's cells are the patches; A+B is the mean of two. rd: the finest first, each "
       "with "
       "half the stride of the next"},
      {"image-size", FlagType::kInt, "256", "PX", 32, 4096,
       "side of the square whose area the scaled image has; not given, dinomaly on a transformer takes 280 (fast) or "
       "392"},
      {"fit", FlagType::kText, "keep-aspect", "keep-aspect|stretch", 0, 0, "how an image is brought to that size"},
      {"image-score", FlagType::kText, "top:0.01", "RULE", 0, 0,
       "max, mean, or top:S, the mean of the share S of highest pixels"},
      {"selector", FlagType::kText, "random", "random|farthest|greedy", 0, 0,
       "patchcore: which patches become references; farthest: of each image those that cover it best, greedy: of all"},
      {"reference-share", FlagType::kFloat, "0.25", "S", 0.0001, 1,
       "patchcore, random and farthest: share of each image's patches"},
      {"coreset-ratio", FlagType::kFloat, "0.1", "S", 0.00001, 1,
       "patchcore, greedy, and softpatch: share of all patches that become references"},
      {"whiten", FlagType::kFloat, "0", "W", 0, 1,
       "patchcore and softpatch: 1 scales principal components to equal variance, 0 leaves them"},
      {"discriminator", FlagType::kText, "lof", "lof|nearest|gaussian", 0, 0,
       "softpatch: what tells noise among the patches at one position of all images"},
      {"lof-neighbours", FlagType::kInt, "6", "K", 1, static_cast<double>(models::kMaxOthers),
       "softpatch, lof: neighbours whose density a patch's is compared with"},
      {"noise-share", FlagType::kFloat, "0.15", "S", 0, 0.99, "softpatch: share of all patches left out as noise"},
      {"preset", FlagType::kText, "fast", "fast|paper|llbnad", 0, 0,
       "dinomaly: fast, 1000 iterations; paper, its published 5000; llbnad, the other published recipe, 5000. rd: "
       "fast, "
       "200; paper, 4000"},
      {"iterations", FlagType::kInt, "0", "N", 0, 1000000,
       "dinomaly, rd: training steps of the final detector; 0: the preset's"},
      {"sub-model-share", FlagType::kFloat, "0.3", "S", 0.001, 1,
       "dinomaly, rd: share of the steps for sub-models of stage 1"},
      {"checkpoint-seconds", FlagType::kFloat, "60", "S", 0, 1e6,
       "dinomaly, rd: time between two checkpoints of a training, from which a run that was killed goes on; 0: each "
       "step"},
      {"recompute", FlagType::kBool, "false", "", 0, 0, "dinomaly: less memory for one more forward pass a step"},
      {"single-stage", FlagType::kBool, "false", "", 0, 0, "fit to all images: the baseline of every comparison"},
      {"subsets", FlagType::kInt, "5", "K", 2, 64, "subsets and sub-models of stage 1"},
      {"aggregate", FlagType::kText, "auto",
       "auto|mean|max|max_var|median|trimmed|expected|support|bank_ensemble|out_of_bag|trajectory", 0, 0,
       "how one image's scores under the sub-models are combined. Memory banks only: expected, exact mean over all "
       "partitions; support, distance to the --support-rank-th image; bank_ensemble, mean over 100 random banks of 10 "
       "% of the images; out_of_bag, median over those of 20 banks of 20 % without the image, top 0.5 % of the map. "
       "Detectors that train only: trajectory, mean over their training"},
      {"track-scores", FlagType::kInt, "0", "N", 0, 1000000,
       "detectors that train: every N steps of stage 1 all images' scores go to stage1_scores.csv; 0: never, but for "
       "--aggregate=trajectory some twenty times"},
      {"over", FlagType::kText, "held_out", "all|held_out", 0, 0,
       "sub-models that count: all (paper) or those that have not seen the image"},
      {"normalise", FlagType::kText, "none", "none|robust", 0, 0,
       "scale of the sub-models' scores before they are combined"},
      {"keep", FlagType::kText, "auto", "FRACTION", 0, 0,
       "images to keep: auto, as many as look normal, or a fixed share"},
      {"rounds", FlagType::kInt, "1", "R", 1, 10, "times that stage 1 runs, each time on what the last one kept"},
      {"rescue", FlagType::kText, "none", "none|patches", 0, 0,
       "none: nothing of an image set aside is used; patches: its unsuspicious patches are (memory banks)"},
      {"support-rank", FlagType::kInt, "5", "K", 1, 1000,
       "a patch is suspicious if fewer than K other images have one like it"},
      {"copy-share", FlagType::kFloat, "0.4", "S", 0.001, 1,
       "images near to each other in more than this share of their patches are near copies and do not vouch for each "
       "other; 1: none are"},
      {"false-share", FlagType::kFloat, "0.5", "Q", 0.001, 0.9,
       "share of what --keep=auto calls suspicious that may be normal"},
      {"doubtful-share", FlagType::kFloat, "0.02", "S", 0, 1,
       "--keep=auto sets an image aside above this share of suspicious patches"},
      {"ensemble", FlagType::kBool, "false", "", 0, 0,
       "the sub-models of stage 1 together are the final detector: none is fitted to all that is kept"},
      {"false-alarm-rate", FlagType::kFloat, "0.01", "R", 0.000001, 0.5,
       "share of normal images that may be called anomalous"},
      {"seed", FlagType::kInt, "0", "N", 0, kMaxSeed, "of every random choice"},
      {"memory-limit", FlagType::kBytes, "4G", "BYTES", static_cast<double>(pipeline::kLeastMemoryLimit), 1e15,
       "features and distances beyond it go to a file in RUN"},
      {"feature-cache", FlagType::kText, "", "DIR", 0, 0,
       "features of images are kept there, and taken from there, by every run that is told so"},
  };
  return table;
}

const std::vector<Flag>& experiment_flags() {
  static const std::vector<Flag> table = {
      {"inject-alpha", FlagType::kFloat, "0", "A", 0, 0.9,
       "for experiments: hides labelled anomalous test images in the training set, whose size stays the same"},
      {"inject-up-to", FlagType::kFloat, "0", "A", 0, 0.9,
       "largest alpha to compare with: fewer training images where the anomalous ones do not suffice for it"},
      {"alpha-of", FlagType::kText, "all", "all|normal", 0, 0,
       "alpha is the share of anomalous images among all training images, or their number for each normal one"},
      {"overlap", FlagType::kText, "moved", "moved|kept", 0, 0,
       "moved: half of the anomalous images may be injected, and are not tested; kept: all may, and all are tested"},
      {"inject-seed", FlagType::kInt, "0", "N", 0, kMaxSeed, "which images are injected"},
      {"clean-by-labels", FlagType::kBool, "false", "", 0, 0,
       "for experiments: takes anomalous images out of the training set by their labels, a bound and no result"},
  };
  return table;
}

const std::vector<Flag>& common_flags() {
  static const std::vector<Flag> table = {
      {"threads", FlagType::kInt, "0", "N", 0, 1024, "CPU threads; 0: one per processor. Results do not depend on it"},
      {"device", FlagType::kText, "auto", "DEVICE", 0, 0,
       "cpu; cuda, all GPUs; cuda:N, that one; cuda:N,cuda:M; auto, the first GPU or, without one, cpu"},
      {"batch", FlagType::kInt, "16", "B", 1, 4096,
       "images that a GPU computes at once; results differ by rounding at most"},
      {"quiet", FlagType::kBool, "false", "", 0, 0, "no progress on stderr"},
      {"json", FlagType::kBool, "false", "", 0, 0, "print the result as JSON on stdout, nothing else"},
      {"help", FlagType::kBool, "false", "", 0, 0, "this text"},
  };
  return table;
}

std::vector<Flag> join(const std::vector<std::vector<Flag>>& tables) {
  std::vector<Flag> all;
  for (const auto& table : tables) all.insert(all.end(), table.begin(), table.end());
  return all;
}

dataset::Options dataset_options(const Flags& flags) {
  return {kind_from_name(flags.text("kind")), flags.text("root"), flags.text("category")};
}

Result<pipeline::RunOptions> run_options(const std::string& data, const Flags& flags) {
  pipeline::RunOptions o;
  o.data = data;
  o.dataset = dataset_options(flags);
  o.strict = flags.boolean("strict");
  o.features.backbone = flags.text("backbone");
  if (!flags.text("weights").empty()) {
    Result<models::NamedTensors> weights = pipeline::read_backbone_weights(o.features.backbone, flags.text("weights"));
    if (!weights.ok()) return weights.status();
    o.features.weights = std::move(weights).value();
  }
  o.features.input_size.image_size = flags.integer("image-size");
  o.features.input_size.fit = models::fit_from_name(flags.text("fit")).value();
  const Result<models::ImageScoreRule> score = models::ImageScoreRule::from_name(flags.text("image-score"));
  if (!score.ok()) return score.status();
  o.scoring.image_score = score.value();
  o.detector = flags.text("detector");
  o.stage1_detector = flags.text("stage1-detector");
  models::PatchcoreOptions& bank = o.detector_options.patchcore;
  bank.selector = models::selector_from_name(flags.text("selector")).value();
  bank.coreset_ratio = flags.number("coreset-ratio");
  bank.space.reference_share = flags.number("reference-share");
  bank.space.whiten = flags.number("whiten");
  models::SoftpatchOptions& soft = o.detector_options.softpatch;
  soft.discriminator = models::discriminator_from_name(flags.text("discriminator")).value();
  soft.neighbours = flags.integer("lof-neighbours");
  soft.noise_share = flags.number("noise-share");
  soft.coreset_ratio = bank.coreset_ratio;
  soft.space = bank.space;
  models::DinomalyOptions& trained = o.detector_options.dinomaly;
  const std::string& preset = flags.text("preset");
  trained.recipe =
      preset == "llbnad" ? models::DinomalyOptions::Recipe::kLlbnad : models::DinomalyOptions::Recipe::kDinomaly;
  trained.iterations = flags.integer("iterations") > 0 ? flags.integer("iterations") : preset == "fast" ? 1000 : 5000;
  trained.sub_model_share = flags.number("sub-model-share");
  trained.recompute = flags.boolean("recompute");
  models::RdOptions& distilled = o.detector_options.rd;
  distilled.iterations = flags.integer("iterations") > 0 ? flags.integer("iterations") : preset == "paper" ? 4000 : 200;
  distilled.sub_model_share = trained.sub_model_share;
  o.checkpoint_every_s = flags.number("checkpoint-seconds");
  o.single_stage = flags.boolean("single-stage");
  o.subsets = static_cast<int>(flags.integer("subsets"));
  o.support_rank = flags.integer("support-rank");
  o.copy_share = flags.number("copy-share");
  o.false_share = flags.number("false-share");
  o.doubtful_share = flags.number("doubtful-share");
  o.aggregate.over = flags.text("over") == "all" ? pipeline::Over::kAll : pipeline::Over::kHeldOut;
  o.aggregate.normalise =
      flags.text("normalise") == "robust" ? pipeline::Normalise::kRobust : pipeline::Normalise::kNone;
  const Result<pipeline::KeepRule> keep = pipeline::KeepRule::from_name(flags.text("keep"));
  if (!keep.ok()) return keep.status();
  o.keep = keep.value();
  o.rounds = static_cast<int>(flags.integer("rounds"));
  o.false_alarm_rate = flags.number("false-alarm-rate");
  o.seed = static_cast<uint64_t>(flags.integer("seed"));
  o.memory_limit = flags.bytes("memory-limit");
  o.feature_cache = flags.text("feature-cache");
  const Result<pipeline::Placement> where = placement(flags);
  if (!where.ok()) return where.status();
  o.placement = where.value();
  // What cannot be made is said before any image is read.
  ASSAY_RETURN_IF_ERROR(choose_stage1(flags, &o));
  ASSAY_RETURN_IF_ERROR(choose_features(flags, &o));
  return o;
}

Status apply_experiment_flags(const Flags& flags, pipeline::RunOptions* options) {
  options->clean_by_labels = flags.boolean("clean-by-labels");
  if (!flags.given("inject-alpha")) {
    for (const char* name : {"inject-up-to", "alpha-of", "overlap", "inject-seed"}) {
      if (flags.given(name)) return Status::error("--", name, ": goes with --inject-alpha");
    }
    return Status();
  }
  options->injection = injection_rule(flags);
  options->injection->alpha = flags.number("inject-alpha");
  options->injection->up_to = flags.number("inject-up-to");
  return Status();
}

dataset::Injection injection_rule(const Flags& flags) {
  using Injection = dataset::Injection;
  Injection rule;
  rule.alpha_of = flags.text("alpha-of") == "all" ? Injection::AlphaOf::kAll : Injection::AlphaOf::kNormal;
  rule.overlap = flags.text("overlap") == "moved" ? Injection::Overlap::kMoved : Injection::Overlap::kKept;
  rule.seed = static_cast<uint64_t>(flags.integer("inject-seed"));
  return rule;
}

Status apply_common_flags(const Flags& flags) {
  if (flags.integer("threads") > 0) set_num_threads(static_cast<int>(flags.integer("threads")));
  return placement(flags).status();
}

Result<pipeline::Placement> placement(const Flags& flags) {
  const std::string& name = flags.text("device");
  const Result<std::vector<Device>> devices = devices_from_name(name);
  // "device NAME: ..." becomes "--device=NAME: ...".
  if (!devices.ok()) return Status::error("--device=", devices.message().substr(sizeof "device"));
  return pipeline::Placement{devices.value(), flags.integer("batch")};
}

}  // namespace assay::tools

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program with a backbone of the user's and with a trained detector: one model file must be enough to score."""
import array
import json
import os
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cli_test  # noqa: E402
from cli_test import Work, assay, read, write  # noqa: E402

cli_test.CHECKS.clear()  # its own have a test of their own
check = cli_test.check


def resnet18_shapes():
    """torchvision's names and shapes (He et al. 2016, table 1)."""
    shapes = {"conv1.weight": (64, 3, 7, 7)}

    def batch_norm(name, channels):
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes["%s.%s" % (name, part)] = (channels,)

    batch_norm("bn1", 64)
    channels_in = 64
    for layer, channels in ((1, 64), (2, 128), (3, 256), (4, 512)):
        for block in (0, 1):
            name = "layer%d.%d" % (layer, block)
            shapes[name + ".conv1.weight"] = (channels, channels_in, 3, 3)
            batch_norm(name + ".bn1", channels)
            shapes[name + ".conv2.weight"] = (channels, channels, 3, 3)
            batch_norm(name + ".bn2", channels)
            if channels != channels_in:
                shapes[name + ".downsample.0.weight"] = (channels, channels_in, 1, 1)
                batch_norm(name + ".downsample.1", channels)
            channels_in = channels
    return shapes


def vit_s14_shapes():
    """DINOv2's names and shapes of the small network with registers."""
    width = 384
    shapes = {"cls_token": (1, 1, width), "pos_embed": (1, 1 + 37 * 37, width), "register_tokens": (1, 4, width),
              "mask_token": (1, width), "patch_embed.proj.weight": (width, 3, 14, 14), "patch_embed.proj.bias": (width,),
              "norm.weight": (width,), "norm.bias": (width,)}
    for i in range(12):
        for name, rows, cols in (("attn.qkv", 3 * width, width), ("attn.proj", width, width),
                                 ("mlp.fc1", 4 * width, width), ("mlp.fc2", width, 4 * width)):
            shapes["blocks.%d.%s.weight" % (i, name)] = (rows, cols)
            shapes["blocks.%d.%s.bias" % (i, name)] = (rows,)
        for name in ("norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias", "ls1.gamma", "ls2.gamma"):
            shapes["blocks.%d.%s" % (i, name)] = (width,)
    return shapes


def write_weights(path, shapes):
    """A safetensors file of numbers that keep activations of a size."""
    header, data = {}, []
    offset = 0
    for seed, (name, shape) in enumerate(shapes.items()):
        count = 1
        for axis in shape:
            count *= axis
        if len(shape) == 1:
            values = array.array("f", [1.0 if name.endswith(("weight", "running_var", "gamma")) else 0.0]) * count
        else:
            scale = (2.0 / (count // shape[0])) ** 0.5
            noise = array.array("f", [scale * (((i * 7919 + seed * 104729) % 2003) / 1001.0 - 1) for i in range(4001)])
            values = (noise * (count // 4001 + 1))[:count]
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + 4 * count]}
        offset += 4 * count
        data.append(values.tobytes())
    text = json.dumps(header).encode()
    write(path, struct.pack("<Q", len(text)) + text + b"".join(data))


def scores_of(work, model, rows):
    paths = [work("data/" + name) for _, name, _ in rows]
    found = json.loads(assay("score", model, *paths, "--json").must(0).out)["images"]
    return {os.path.relpath(image["path"], work("data")): "%.9g" % image["score"] for image in found}


def check_scores(work, out):
    test_rows = [row for row in work.rows if row[0] == "test"]
    expected = dict(line.split(",")[:2] for line in read(work(out + "/scores.csv")).decode().splitlines()[1:])
    assert scores_of(work, work(out + "/model.assay"), test_rows) == expected


@check
def a_backbone_of_the_users_goes_into_the_model_file():
    work = Work()
    write_weights(work("resnet18.safetensors"), resnet18_shapes())
    line = assay("import-weights", work("resnet18.safetensors"), "--backbone", "resnet18", "--out", work("w")).must(0).out
    assert "100 tensors" in line, line
    work.train("--backbone", "resnet18", "--weights", work("w"), "--levels", "layer1,layer2").must(0)
    os.remove(work("w"))
    check_scores(work, "run")
    description = json.loads(assay("info", work("run/model.assay")).must(0).out)
    assert description["features"]["backbone"] == "resnet18" and len(description["features"]["weights_sha256"]) == 64


@check
def a_transformer_gives_each_kind_of_detector_its_tokens():
    work = Work()
    write_weights(work("w"), vit_s14_shapes())
    vit = ("--backbone", "dinov2_reg_vit_s14", "--weights", work("w"))
    work.train(*vit, "--detector", "dinomaly", "--iterations", "1", "--single-stage").must(0)
    work.train(*vit, "--single-stage", out="bank").must(0)
    os.remove(work("w"))
    check_scores(work, "run")
    trained = json.loads(assay("info", work("run/model.assay")).must(0).out)
    features = trained["features"]
    assert features["levels"] == ["layer2+layer3+layer4+layer5", "layer6+layer7+layer8+layer9"], features
    assert features["prefix_tokens"] and not features["unit_length"] and features["neighbourhood"] == 1
    features = json.loads(assay("info", work("bank/model.assay")).must(0).out)["features"]
    assert features["levels"] == ["norm"] and features["unit_length"] and "prefix_tokens" not in features, features


@check
def weights_that_do_not_fit_are_listed():
    work = Work(images=False)
    shapes = resnet18_shapes()
    del shapes["bn1.bias"]
    shapes["conv1.weight"] = (64, 3, 5, 5)
    shapes["surplus"] = (2,)
    write_weights(work("w"), shapes)
    command = ("import-weights", work("w"), "--out", work("x"))
    assay(*command, "--backbone", "resnet18").must(1, "1 missing: bn1.bias", "1 unexpected: surplus",
                                                   "conv1.weight (64, 3, 5, 5), expected (64, 3, 7, 7)")
    assert not os.path.exists(work("x"))
    assay(*command).must(2, "--backbone is missing")
    assay(*command, "--backbone", "resnet19").must(2, "resnet19")
    write(work("w"), b"PK\x03\x04 nothing like it")
    assay(*command, "--backbone", "resnet18").must(1, "no end record")


@check
def a_backbone_without_its_weights_is_an_error():
    work = Work()
    work.train("--backbone", "resnet18").must(2, "backbone resnet18: needs a file of weights")


@check
def a_trained_detector_runs_both_stages_and_scores_from_its_file():
    work = Work()
    training = ("--detector", "dinomaly", "--iterations", "4")
    work.train(*training).must(0)
    check_scores(work, "run")
    work.train(*training, out="again").must(0)
    assert read(work("again/scores.csv")) == read(work("run/scores.csv"))
    # Stage 1 is a memory bank's unless sub-models of the trained kind are asked for.
    def trained_models(out):
        return {line.split(",")[0] for line in read(work(out + "/training.csv")).decode().splitlines()[1:]}

    assert trained_models("run") == {"final", "fold_1", "fold_2"}, trained_models("run")
    work.train(*training, "--stage1-detector", "dinomaly", out="own").must(0)
    check_scores(work, "own")
    assert "sub_model_1" in trained_models("own")
    plan = json.loads(assay("plan", work("data/list.csv"), *cli_test.SMALL, *training, "--json").must(0).out)
    assert plan["training_steps"] == 3 * 4 and plan["training_seconds"] > 0, plan
    own_kind = ("--stage1-detector", "dinomaly", "--sub-model-share", "0.5")
    plan = json.loads(assay("plan", work("data/list.csv"), *cli_test.SMALL, *training, *own_kind, "--json").must(0).out)
    assert plan["training_steps"] == 3 * 4 + 3 * 2, plan
    work.train("--detector", "padim", out="padim").must(0)
    configuration = json.loads(read(work("padim/run.json")))["configuration"]
    assert configuration["stage1_detector"] == "padim", configuration
    work.train("--detector", "dinomaly", "--rescue", "patches", out="no").must(2, "needs memory banks")


@check
def softpatch_does_what_its_flags_say():
    work = Work()
    soft = ("--detector", "softpatch")
    work.train(*soft).must(0)  # stage 1 has its sub-models
    check_scores(work, "run")
    work.train(*soft, "--stage1-detector=patchcore", out="mixed").must(0)
    check_scores(work, "mixed")
    seen = set()
    for number, flags in enumerate(([], ["--discriminator=nearest"], ["--discriminator=gaussian"], ["--noise-share=0"],
                                    ["--lof-neighbours=2"], ["--coreset-ratio=0.5"])):
        out = "single%d" % number
        work.train(*soft, "--single-stage", *flags, out=out).must(0)
        recorded = json.loads(read(work(out + "/run.json")))["configuration"]
        for flag in flags:
            name, value = flag[2:].replace("-", "_").split("=")
            assert str(recorded[name]) == value or recorded[name] == float(value), recorded
        seen.add(read(work(out + "/scores.csv")))
    assert len(seen) == 6, "a flag that changes nothing"
    work.train(*soft, "--discriminator=LOF", out="no").must(2, "--discriminator=LOF")
    work.train(*soft, "--noise-share=1", out="no").must(2, "--noise-share=1")
    work.train(*soft, "--lof-neighbours=64", out="no").must(2, "--lof-neighbours=64")
    work.train(*soft, "--rescue=patches", out="no").must(2, "needs memory banks")
    needs = json.loads(assay("plan", work("data/list.csv"), "--image-size=64", *soft, "--json").must(0).out)
    assert needs["distance_table_bytes"] == 0


@check
def selectors_choose_other_references():
    work = Work()
    seen = set()
    for selector in ("random", "farthest", "greedy"):
        work.train("--single-stage", "--selector", selector, out=selector).must(0)
        assert json.loads(read(work(selector + "/run.json")))["configuration"]["selector"] == selector
        seen.add(read(work(selector + "/scores.csv")))
    assert len(seen) == 3
    work.train("--selector", "farthest", "--rescue", "patches", out="rescued").must(0)
    check_scores(work, "rescued")


@check
def a_detector_of_several_levels_runs_both_stages_and_scores_from_its_file():
    work = Work()
    training = ("--detector", "rd", "--iterations", "3")
    work.train(*training).must(0)
    check_scores(work, "run")
    features = json.loads(assay("info", work("run/model.assay")).must(0).out)["features"]
    assert features["levels"] == ["block2", "block4", "block10"] and features["packed"], features
    assert not features["unit_length"] and features["neighbourhood"] == 1, features
    work.train(*training, out="again").must(0)
    assert read(work("again/scores.csv")) == read(work("run/scores.csv"))
    # Sub-models of its own see the same features as patchcore's do.
    work.train(*training, "--stage1-detector", "rd", out="own").must(0)
    check_scores(work, "own")
    work.train(*training, "--levels", "block10,block4", out="no").must(2, "must have half the stride of the next")
    # A ResNet's levels are given back by blocks like its own.
    write_weights(work("w"), resnet18_shapes())
    work.train(*training, "--backbone", "resnet18", "--weights", work("w"), "--single-stage", out="resnet").must(0)
    os.remove(work("w"))
    check_scores(work, "resnet")
    model = read(work("resnet/model.assay"))
    header = json.loads(model[8:8 + struct.unpack("<Q", model[:8])[0]])
    state = json.loads(header["__metadata__"]["assay"])["detector"]["state"]
    assert state == {"widths": [64, 128, 256], "block": "basic", "rectified": True}, state


@check
def sub_models_as_the_final_detector_score_from_their_file():
    work = Work()
    work.train("--ensemble").must(0)
    check_scores(work, "run")
    assert json.loads(assay("info", work("run/model.assay")).must(0).out)["detector"]["name"] == "ensemble/patchcore"
    work.train("--ensemble", "--single-stage", out="no").must(2, "--ensemble: needs the sub-models")
    work.train("--ensemble", "--stage1-detector=padim", out="no").must(2, "--ensemble: its members are stage 1's")


@check
def scores_are_tracked_where_something_trains():
    work = Work()
    training = ("--detector=dinomaly", "--iterations=4", "--sub-model-share=1")
    result = json.loads(work.train(*training, "--aggregate=trajectory", "--json").must(0).out)
    assert [moment["iteration"] for moment in result["learning_bias"]] == [1, 2, 3, 4], result["learning_bias"]
    assert len(read(work("run/stage1_scores.csv")).splitlines()) == 1 + 16 * 3 * 4
    result = json.loads(work.train(*training, "--track-scores=3", "--json", out="mean").must(0).out)
    assert [moment["iteration"] for moment in result["learning_bias"]] == [3, 4], result["learning_bias"]
    work.train("--aggregate=trajectory", out="no").must(2, "--aggregate=trajectory: needs a detector that trains")
    work.train("--track-scores=3", out="no").must(2, "--track-scores: needs a detector that trains")
    work.train("--detector=dinomaly", "--stage1-detector=padim", "--track-scores=3", out="no").must(2, "padim does not")


# ---- Trainings that end too soon


TRAINING = ["--image-size=64", "--subsets=2", "--detector=dinomaly", "--stage1-detector=dinomaly", "--iterations=30",
            "--sub-model-share=0.5"]
RESULTS = ("model.assay", "stage1.csv", "scores.csv", "metrics.json", "training.csv")


def start(work, out, *more):
    return subprocess.Popen([cli_test.ASSAY, "run", work("data/list.csv"), "--out", work(out), *TRAINING, *more],
                            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)


def wait_for(process, ready):
    while not ready():
        assert process.poll() is None, "ended by itself, too soon to be killed"
        time.sleep(0.001)


def same_results(work, a, b):
    for name in RESULTS:
        assert read(work(a + "/" + name)) == read(work(b + "/" + name)), name


@check
def a_training_that_is_killed_at_every_stage_continues_to_the_same_bytes():
    work = Work()
    for name in ("sub_model_1.checkpoint", "sub_model_2.checkpoint", "sub_model_2", "final.checkpoint", "final",
                 "fold_1.checkpoint", "fold_1", "fold_2.checkpoint"):
        process = start(work, "run", "--checkpoint-seconds=0")
        wait_for(process, lambda: os.path.exists(work("run/unfinished/%s.part" % name)))
        process.kill()
        process.communicate()
    assert os.path.exists(work("run/unfinished")) and not os.path.exists(work("run/model.assay"))
    process = start(work, "run")
    wait_for(process, lambda: os.path.exists(work("run/model.assay")))
    process.kill()
    process.communicate()
    assert start(work, "run").wait() == 0
    assert not os.path.exists(work("run/unfinished")), os.listdir(work("run/unfinished"))
    process = start(work, "whole")
    err = process.communicate()[1].decode()
    assert process.returncode == 0 and "training sub-models      30 in" in err, err
    same_results(work, "run", "whole")


@check
def a_training_that_is_interrupted_keeps_what_it_has():
    work = Work()
    whole = start(work, "whole")
    process = start(work, "run", "--checkpoint-seconds=1000000")
    for line in process.stderr:  # each phase says when it is through
        if line.startswith(b"features"):
            break
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    rest = process.communicate()[1].decode()
    assert process.returncode == 1 and "interrupted; the same command continues" in rest, rest
    left = os.listdir(work("run/unfinished"))
    assert "sub_model_1.part" in left or "sub_model_1.checkpoint.part" in left, left
    assert start(work, "run").wait() == 0 and whole.wait() == 0
    same_results(work, "run", "whole")


if __name__ == "__main__":
    sys.exit(cli_test.main())

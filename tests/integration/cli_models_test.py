#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program with a backbone of the user's and with a trained detector: one model file must be enough to score."""
import array
import json
import os
import struct
import sys

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
    # Stages of different kinds.
    work.train(*training, "--stage1-detector", "patchcore", out="mixed").must(0)
    check_scores(work, "mixed")
    work.train("--detector", "dinomaly", "--rescue", "patches", out="no").must(2, "needs memory banks")


if __name__ == "__main__":
    sys.exit(cli_test.main())

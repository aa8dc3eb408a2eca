#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program on simulated GPUs: every command that computes, devices that are not there, memory that does not suffice.

The program is the product's, linked to the simulator instead of the CUDA runtime. Checks as in cli_test.py.
"""
import csv
import json
import os
import re
import subprocess
import sys
import time

os.environ["ASSAY_PROGRAM"] = "tests/integration/assay_cuda_sim"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cli_test  # noqa: E402  (after the program is named)
from cli_test import Work, assay, trained  # noqa: E402

cli_test.CHECKS.clear()
CUDA = ["--device=cuda", "--batch=5"]


def check(function):
    cli_test.CHECKS.append(function)
    return function


def with_environment(name, value, call):
    os.environ[name] = value
    try:
        return call()
    finally:
        del os.environ[name]


def scores(path, column="score"):
    with open(path, newline="") as file:
        return {row["path"]: float(row[column]) for row in csv.DictReader(file)}


def assert_close(a, b):
    """Within the rounding of thirty layers in float32 and of features in float16."""
    assert a.keys() == b.keys(), (a.keys(), b.keys())
    for name in a:
        assert abs(a[name] - b[name]) <= 2e-4 + 4e-3 * max(abs(a[name]), abs(b[name])), (name, a[name], b[name])


GPU_RUNS = []


def gpu_run():
    """A run on all simulated GPUs of the images of trained(), which ran on the CPU."""
    if not GPU_RUNS:
        work = trained()
        work.train("--json", *CUDA, out="gpu").must(0)
        GPU_RUNS.append(work)
    return GPU_RUNS[0]


def trained_on_cpu():
    work = Work()
    work.outcome = work.train("--json", "--device=cpu").must(0)
    return work


@check
def a_run_on_all_gpus_keeps_and_scores_as_on_the_cpu():
    work = gpu_run()
    assert_close(scores(work("run/scores.csv")), scores(work("gpu/scores.csv")))
    kept = [scores(work(run + "/stage1.csv"), "kept") for run in ("run", "gpu")]
    assert kept[0] == kept[1], kept
    with open(work("gpu/run.json")) as file:
        devices = json.load(file)["notes"]["devices"]
    assert [d["device"].split(" ")[0] for d in devices] == ["cuda:0", "cuda:1"], devices


@check
def score_and_eval_take_either_model_to_either_device():
    work = gpu_run()
    tables = []
    for run in ("run", "gpu"):
        for device in ("cpu", "cuda:1", "cuda"):
            table = work("%s-%s.csv" % (run, device))
            maps = work("maps-%s-%s" % (run, device))
            assay("score", work(run + "/model.assay"), work("data/spot"), "--csv", table, "--maps", maps,
                  "--device=" + device, "--batch=2").must(0)
            assert len(os.listdir(maps)) == len(os.listdir(work("data/spot")))
            tables.append(scores(table))
    for table in tables[1:]:
        assert_close(tables[0], table)
    results = [json.loads(assay("eval", work("gpu/model.assay"), work("data/list.csv"), "--device=" + device).must(0).out)
               for device in ("cpu", "cuda")]
    assert results[0]["image_auroc"] == results[1]["image_auroc"], results


@check
def a_file_that_is_no_image_is_reported_and_the_others_scored():
    work = gpu_run()
    cli_test.write(work("text.png"), b"no image")
    table = work("with-text.csv")
    assay("score", work("gpu/model.assay"), work("text.png"), work("data/spot"), "--csv", table,
          *CUDA).must(1, "1 of 7 images could not be scored")


@check
def purify_info_and_plan_know_the_devices():
    work = gpu_run()
    assay("purify", work("data/list.csv"), "--out", work("purified"), *cli_test.SMALL, *CUDA).must(0)
    assert scores(work("purified/stage1.csv"), "kept") == scores(work("gpu/stage1.csv"), "kept")
    assay("info", work("gpu/model.assay"), "--device=cuda:1").must(0)
    plan = json.loads(assay("plan", work("data/list.csv"), *cli_test.SMALL, *CUDA, "--json").must(0).out)
    assert len(plan["devices"]) == 2 and plan["device_bytes"] > 0 and plan["batch_that_fits"] == 5, plan
    assert "device_bytes" not in json.loads(
        assay("plan", work("data/list.csv"), *cli_test.SMALL, "--device=cpu", "--json").must(0).out)


@check
def without_a_wish_the_first_gpu_is_taken():
    work = gpu_run()
    work.train("--device=auto", out="auto").must(0)
    with open(work("auto/run.json")) as file:
        devices = json.load(file)["notes"]["devices"]
    assert [d["device"].split(" ")[0] for d in devices] == ["cuda:0"], devices


@check
def devices_that_are_not_there_are_errors_that_list_what_is():
    for device, part in (("cuda:7", "this machine has cuda:0 ("), ("cuda:x", "expected cuda:N"), ("gpu", "expected auto"),
                         ("cuda:0,cuda:0", "twice"), ("cpu,cuda:0", "by itself")):
        assay("run", "/nowhere", "--out=/nowhere", "--device=" + device).must(1, "--device=" + device, part)
    none = with_environment("ASSAY_SIM_DEVICES", "0",
                            lambda: assay("run", "/nowhere", "--out=/nowhere", "--device=cuda"))
    none.must(1, "--device=cuda", "cudaGetDeviceCount: cudaErrorNoDevice")
    work = gpu_run()
    outcome = with_environment("ASSAY_SIM_DEVICES", "0",
                               lambda: assay("score", work("gpu/model.assay"), work("data/spot"), "--device=auto"))
    outcome.must(0)  # on the CPU


def assert_nothing_half_written(folder, whole):
    """No temporary file is left, and an artefact that is there has the bytes that it should."""
    left = os.listdir(folder)
    assert not [name for name in left if name.startswith(".assay-tmp")], left
    for name in ("model.assay", "stage1.csv", "scores.csv"):
        assert name not in left or cli_test.read(os.path.join(folder, name)) == whole[name], name


@check
def a_gpu_with_too_little_memory_is_an_error_with_a_batch_that_fits():
    work = gpu_run()

    def on(device, batch, out, command="run"):
        where = ["--out", work(out)] if command == "run" else ["--json"]
        return assay(command, work("data/list.csv"), *where, "--image-size=128", "--single-stage", "--device=" + device,
                     "--batch=%d" % batch)

    def with_little(batch, out="small", command="run"):
        # Weights, two workspaces of 16 MiB, and a few images: even one batch of all 16 alone takes more.
        return with_environment("ASSAY_SIM_MEMORY", str(60 << 20), lambda: on("cuda:0", batch, out, command))

    failed = with_little(64).must(1, "out of memory on cuda:0", "bytes asked for", "free",
                                  "held by this program (conv_graph workspace ", "; computing 16 images at once, --batch=")
    assert set(os.listdir(work("small"))) <= {".lock", "run.json"}, os.listdir(work("small"))
    fits = int(re.search(r"--batch=(\d+) fits", failed.err).group(1))
    assert 1 < fits < 16, fits
    planned = json.loads(with_little(64, command="plan").must(0).out)["batch_that_fits"]
    assert 1 <= planned <= fits, planned  # beside a memory bank and the maps of scoring
    with_little(fits).must(0)  # the same folder goes on
    on("cpu", 1, "small-cpu").must(0)
    assert_close(scores(work("small/scores.csv")), scores(work("small-cpu/scores.csv")))
    tiny = with_environment("ASSAY_SIM_MEMORY", str(24 << 20), lambda: work.train(
        "--device=cuda:0", "--batch=16", out="tiny"))
    tiny.must(1, "out of memory on cuda:0", "no smaller batch fits: see --image-size")


@check
def a_launch_that_fails_and_a_kernel_that_breaks_its_gpu_end_the_run_and_the_same_command_continues_it():
    work = gpu_run()
    wanted = {name: cli_test.read(work("gpu/" + name)) for name in ("model.assay", "stage1.csv", "scores.csv")}
    for variable, error, call in (("ASSAY_SIM_FAIL_LAUNCH", "cudaErrorLaunchOutOfResources", ": launch of "),
                                  ("ASSAY_SIM_BREAK_IN_LAUNCH", "cudaErrorIllegalAddress", "cuda")):
        out = variable.lower()
        for launch in (1, 100, 400):  # the first one, in the features, when images are scored
            outcome = with_environment(variable, str(launch), lambda: work.train(*CUDA, out=out))
            outcome.must(1, error + " (", call)
            assert_nothing_half_written(work(out), wanted)
        work.train(*CUDA, out=out).must(0)
        for name, content in wanted.items():
            assert cli_test.read(work(out + "/" + name)) == content, name


@check
def a_training_on_two_gpus_that_is_killed_continues_to_the_same_bytes():
    work = Work()
    work.write_list([row for i, row in enumerate(work.rows) if i % 3 < 2])
    flags = ["run", work("data/list.csv"), "--image-size=32", "--subsets=2", "--detector=dinomaly", "--iterations=4",
             "--stage1-detector=dinomaly", "--sub-model-share=0.5", "--device=cuda", "--checkpoint-seconds=0"]
    for name in ("sub_model_1.checkpoint", "sub_model_2", "fold_2.checkpoint"):
        process = subprocess.Popen([cli_test.ASSAY, *flags, "--out", work("run")], stderr=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL)
        while not os.path.exists(work("run/unfinished/%s.part" % name)):
            assert process.poll() is None, "ended by itself, too soon to be killed"
            time.sleep(0.001)
        process.kill()
        process.wait()
    for out in ("run", "whole"):
        assay(*flags, "--out", work(out)).must(0)
    for name in ("model.assay", "stage1.csv", "scores.csv", "metrics.json", "training.csv"):
        assert cli_test.read(work("run/" + name)) == cli_test.read(work("whole/" + name)), name


if __name__ == "__main__":
    work = trained_on_cpu()
    cli_test.TRAINED.append(work)
    sys.exit(cli_test.main())

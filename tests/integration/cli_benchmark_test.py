#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`assay benchmark` as people call it, and the flags of `assay run` for experiments."""
import csv
import io
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cli_test  # noqa: E402
from cli_test import ASSAY, Outcome, Work, assay, read, write, write_png, write_product  # noqa: E402

cli_test.CHECKS.clear()  # its own have a test of their own
check = cli_test.check
SMALL = [*cli_test.SMALL, "--reference-share=0.5"]


def cells(work, out="bench"):
    """Each finished cell's file with the time it was written at."""
    return {os.path.join(folder, name): os.stat(os.path.join(folder, name)).st_mtime_ns
            for folder, _, names in os.walk(work(out)) for name in names if name == "cell.json"}


def benchmark(work, *more, out="bench", data="data/list.csv"):
    return assay("benchmark", work(data), "--out", work(out), *SMALL, *more)


def write_mvtec(work, category="widget"):
    """14 normal training, 4 normal and 8 anomalous test images in MVTec's layout."""
    for i in range(26):
        spot = i >= 18
        part = "train/good" if i < 14 else "test/spot" if spot else "test/good"
        write_product(work("mvtec/%s/%s/%03d.png" % (category, part, i)), i, spot)
        if spot:
            rows = [bytes([255 if 20 <= y < 32 and 30 <= x < 42 else 0 for x in range(64) for _ in range(3)])
                    for y in range(64)]
            write_png(work("mvtec/%s/ground_truth/spot/%03d_mask.png" % (category, i)), 64, 64, rows)


@check
def a_benchmark_prints_its_tables_and_a_second_call_computes_nothing():
    work = Work()
    flags = ["--seeds=0-1", "--stages=single,two-stage,clean"]
    out = benchmark(work, *flags).must(0).out
    assert "| two-stage | none |" in out and "clean (oracle)" in out and "table.md" in out, out
    assert read(work("bench/table.md")).decode() in out
    lines = list(csv.DictReader(io.StringIO(read(work("bench/table.csv")).decode())))
    assert [line["row"] for line in lines] == ["single", "two-stage", "clean"], lines
    assert [line["oracle"] for line in lines] == ["0", "0", "1"], lines
    assert all(0 <= float(line["image_auroc"]) <= 1 and line["seeds"] == "2" for line in lines), lines
    before = cells(work)
    assert len(before) == 6, before
    again = json.loads(benchmark(work, *flags, "--json").must(0).out)
    assert cells(work) == before
    assert again == json.loads(read(work("bench/table.json")))
    assert again["sets"][0]["n_train_anomalous"] == 3, again["sets"]


@check
def an_interrupted_benchmark_goes_on_where_it_was():
    work = Work()
    command = [ASSAY, "benchmark", work("data/list.csv"), "--out", work("bench"), "--image-size=448", "--keep=0.6",
               "--seeds=0,1", "--stages=single,two-stage"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    for line in process.stderr:
        if line.startswith(b"[2/4]"):
            break
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=240)[1].decode()
    Outcome(process.returncode, "", rest).must(1, "interrupted; the same command goes on")
    before = cells(work)
    assert 1 <= len(before) < 4, before
    assay(*command[1:]).must(0)
    after = cells(work)
    assert len(after) == 4 and all(after[cell] == before[cell] for cell in before), (before, after)


@check
def what_is_wrong_on_the_command_line_is_named_before_any_work():
    work = Work()
    write(work("rows.txt"), b"default:\nbad: --frobnicate=1\n")
    write(work("malformed.txt"), b"default\n")
    for flags, part in ((["--rows", work("rows.txt")], "row 'bad': --frobnicate: no such flag"),
                        (["--rows", work("malformed.txt")], "malformed.txt: line 1"),
                        (["--rows", work("rows.txt"), "--stages=single"], "--stages: does not go with --rows"),
                        (["--detectors=magic"], "magic"), (["--stages=third"], "stage 'third'"),
                        (["--vary=keep"], "FLAG=VALUE"), (["--vary=frobnicate=1"], "--frobnicate"),
                        (["--vary=keep=7"], "7"), (["--seeds=x"], "--seeds=x"), (["--seeds=3-1"], "--seeds=3-1"),
                        (["--seeds=1,1"], "twice"), (["--alphas=2"], "--alphas=2"), (["--seed=1"], "--seed: no such flag")):
        benchmark(work, *flags).must(2, part)
    assay("benchmark", work("data/list.csv")).must(2, "--out")
    assert not os.path.exists(work("bench"))


@check
def data_and_folders_that_do_not_serve_are_errors():
    work = Work()
    write(work("file"), b"")
    benchmark(work, out="file").must(1, work("file"))
    benchmark(work, data="data/none.csv").must(1, "none.csv")
    benchmark(work, data="data/good").must(1, "neither categories")
    benchmark(work, "--categories=other").must(1, "no category 'other'")
    benchmark(work, "--alphas=0.4").must(1, "no data set of alpha 0.4")
    with open(work("data/list.csv"), "w") as file:
        file.write("split,path\n" + "".join("%s,%s\n" % row[:2] for row in work.rows))
    benchmark(work).must(1, "has no label; a benchmark needs all labels")


@check
def a_cell_that_fails_does_not_keep_the_others_from_running():
    work = Work()
    write(work("rows.txt"), b"bad: --subsets=60\nsingle: --single-stage\n")
    done = benchmark(work, "--rows", work("rows.txt")).must(1, "1 of 2 cells failed", "table.md")
    assert "## Failed" in done.out and "| bad | 0 |" in done.out, done.out
    assert len(cells(work)) == 1


@check
def flags_of_the_benchmark_hold_for_all_rows_and_a_row_may_say_otherwise():
    work = Work()
    write(work("rows.txt"), b"a: --single-stage\nb: --single-stage --image-score=mean\n")
    benchmark(work, "--rows", work("rows.txt"), "--image-score=max").must(0)
    found = {json.loads(read(cell))["key"]["image_score"] for cell in cells(work)}
    assert found == {"max", "mean"}, found


@check
def an_ablation_varies_one_flag_at_a_time():
    work = Work()
    result = json.loads(benchmark(work, "--vary", "subsets=2,3", "--vary=keep=0.5", "--json").must(0).out)
    names = [row["name"] for row in result["rows"]]
    assert names == ["two-stage", "two-stage subsets=2", "two-stage subsets=3", "two-stage keep=0.5"], names
    assert len(cells(work)) == 3  # --subsets=3 is what all rows have


@check
def anomalies_are_injected_into_folders_of_mvtecs_layout_and_the_curves_are_drawn():
    work = Work(images=False)
    write_mvtec(work)
    result = json.loads(benchmark(work, "--alphas=0,0.25", "--stages=single", "--overlap=kept", "--json",
                                  data="mvtec").must(0).out)
    sets = result["sets"]
    assert [(s["alpha"], s["n_train"], s["n_train_anomalous"], s["n_test_anomalous"], s["n_trained_and_tested"])
            for s in sets] == [(0, 14, 0, 8, 0), (0.25, 14, 4, 8, 4)], sets
    assert sets[1]["injection"]["overlap"] == "kept" and sets[1]["injection"]["alpha_of"] == "all", sets
    assert all(cell["result"]["pixel_aupro"] is not None for cell in result["cells"]), result["cells"]
    curves = read(work("bench/curves.svg"))
    assert curves.startswith(b"<?xml") and curves.rstrip().endswith(b"</svg>"), curves[:80]
    assert "kept in the test images" in read(work("bench/table.md")).decode()


@check
def a_run_injects_anomalies_and_takes_them_out_by_their_labels_and_says_so():
    work = Work(images=False)
    write_mvtec(work)
    run = ["run", work("mvtec/widget"), *SMALL, "--single-stage"]
    result = json.loads(assay(*run, "--inject-alpha=0.25", "--out", work("a"), "--json").must(0).out)
    assert (result["n_train"], result["n_test"]) == (14, 8), result
    assert abs(result["alpha"] - 4 / 14) < 1e-9, result
    clean = assay(*run, "--inject-alpha=0.25", "--clean-by-labels", "--out", work("b")).must(0).out
    assert "a bound, no result" in clean and "10 training images" in clean, clean
    assay(*run, "--overlap=kept", "--out", work("c")).must(2, "--overlap: goes with --inject-alpha")
    assay(*run, "--inject-alpha=0.1", "--out", work("a")).must(1, "injection.alpha: 0.25 in the run, 0.1 asked for")


@check
def a_feature_cache_is_filled_used_and_no_part_of_the_configuration():
    work = Work()
    cache = ["--feature-cache", work("cache")]
    work.train(*cache, out="a").must(0)
    before = {name: os.stat(os.path.join(folder, name)).st_mtime_ns
              for folder, _, names in os.walk(work("cache")) for name in names}
    assert len(before) == 24 + 1, before  # and key.json
    work.train(*cache, out="b").must(0)
    after = {name: os.stat(os.path.join(folder, name)).st_mtime_ns
             for folder, _, names in os.walk(work("cache")) for name in names}
    assert before == after
    work.train(out="c").must(0)
    for name in ("model.assay", "stage1.csv", "scores.csv", "metrics.json"):
        assert read(work("a/" + name)) == read(work("b/" + name)) == read(work("c/" + name)), name
    assert "nothing to do" in work.train(out="a").must(0).err
    work.train("--feature-cache=/dev/null/x", out="d").must(1, "/dev/null/x")


if __name__ == "__main__":
    sys.exit(cli_test.main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program as people call it: exit codes, error lines, and files that it has to live with.

Each check is a function; the names go to $XML_OUTPUT_FILE as test cases. A check that returns a text was skipped for
that reason. `--test_filter=TEXT` runs those whose name has TEXT in it.
"""
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from xml.sax.saxutils import quoteattr

RUNFILES = os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"])
ASSAY = os.path.join(RUNFILES, os.environ.get("ASSAY_PROGRAM", "tools/assay/assay"))
GOLDEN = os.path.join(RUNFILES, "tests/golden/images")
SMALL = ["--image-size=64", "--subsets=3", "--support-rank=6"]
CHECKS = []


def has_cuda():
    with open(ASSAY, "rb") as file:
        return b"no CUDA in this build" not in file.read()


HAS_CUDA = has_cuda()


def check(function):
    CHECKS.append(function)
    return function


# ---- Images


def write_png(path, width, height, rows):
    """rows: bytes of each row, RGB."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                   chunk(b"IDAT", data) + chunk(b"IEND", b""))


def write_product(path, number, spot=False, side=64):
    """Stripes with noise; `spot` is a bright defect."""
    state, rows = number * 2654435761 % 2**32, []
    for y in range(side):
        row = bytearray()
        for x in range(side):
            state = (state * 1664525 + 1013904223) % 2**32
            inside = spot and 20 <= y < 32 and 30 <= x < 42
            row += bytes([(230 if inside else 60 + x // 4 % 4 * 30) + (state >> 16) % 17] * 3)
        rows.append(bytes(row))
    write_png(path, side, side, rows)


class Work:
    """A folder with 16 training and 8 test images, 3 of each with a spot, and list.csv."""

    def __init__(self, images=True):
        self.path = tempfile.mkdtemp(dir=os.environ["TEST_TMPDIR"])
        self.rows = []
        os.makedirs(self("data"))
        for i in range(24 if images else 0):
            spot = i % 6 == 1 if i < 16 else i % 3 == 1
            name = "%s/%d.png" % ("spot" if spot else "good", i)
            write_product(self("data/" + name), i, spot)
            self.rows.append(("train" if i < 16 else "test", name, int(spot)))
        self.write_list(self.rows)

    def __call__(self, name):
        return os.path.join(self.path, name)

    def write_list(self, rows):
        with open(self("data/list.csv"), "w") as file:
            file.write("split,path,label\n" + "".join("%s,%s,%s\n" % row for row in rows))

    def train(self, *more, out="run"):
        return assay("run", self("data/list.csv"), "--out", self(out), *SMALL, *more)


# ---- The program


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def must(self, code, *parts):
        """The exit code, and parts of the only error line; exit 0 has none."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert self.code == code, "exit code %d, expected %d\n%s" % (self.code, code, self.err)
        assert len(lines) == (code != 0), "%d error lines\n%s" % (len(lines), self.err)
        for part in parts:
            assert part in (lines or [self.err])[0], "no %r in %r" % (part, lines or self.err)
        return self


# Simulated kernels take several times as long while races are looked for.
SECONDS = 900 if os.environ.get("ASSAY_SIM_RACE") == "1" else 240


def assay(*args, limit=None, stdout=subprocess.PIPE):
    done = subprocess.run([ASSAY, *args], stdout=stdout, stderr=subprocess.PIPE, timeout=SECONDS,
                          preexec_fn=limit, stdin=subprocess.DEVNULL)
    return Outcome(done.returncode, (done.stdout or b"").decode("utf-8", "replace"),
                   done.stderr.decode("utf-8", "replace"))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, contents):
    with open(path, "wb") as file:
        file.write(contents)


TRAINED = []


def trained():
    """A finished run that checks share and leave as it is."""
    if not TRAINED:
        work = Work()
        work.outcome = work.train("--json").must(0)
        TRAINED.append(work)
    return TRAINED[0]


# ---- Usage


@check
def no_command_and_unknown_commands_are_usage_errors():
    assert assay().code == 2
    assay("frobnicate").must(2, "frobnicate: no such command")
    assay("--help").must(0)
    assay("--version").must(0)


@check
def every_command_has_help():
    for command in ("run", "purify", "score", "eval", "plan", "info", "benchmark"):
        assert "usage: assay " + command in assay(command, "--help").must(0).out


@check
def wrong_flags_are_usage_errors_that_name_them():
    for flag, part in (("--frobnicate", "--frobnicate: no such flag"), ("--subsets=5x", "--subsets=5x: expected"),
                       ("--subsets=1", "--subsets=1: expected"), ("--seed=-1", "--seed=-1"),
                       ("--seed=1e400", "--seed=1e400"), ("--image-size=", "--image-size="),
                       ("--keep=2", "2"), ("--keep=", "keep"), ("--detector=magic", "magic"),
                       ("--backbone=magic", "magic"), ("--levels=magic", "magic"), ("--image-score=top:", "top"),
                       ("--memory-limit=1K", "--memory-limit=1K"), ("--stage1-detector=magic", "magic"),
                       ("--aggregate=nan", "nan"), ("--out=", "--out"), ("-x", "-x: no such flag")):
        out = [] if flag == "--out=" else ["--out=/nowhere"]
        assay("run", "/nowhere", flag, *out).must(2, part)
    assay("run", "/nowhere").must(2, "--out")
    assay("run", "/nowhere", "--out").must(2, "--out")
    assay("run", "--out=/nowhere").must(2, "0 operands")
    assay("run", "a", "b", "--out=/nowhere").must(2, "2 operands")


@check
def a_device_that_is_not_in_this_build_is_an_error():
    assay("run", "/nowhere", "--out=/nowhere", "--device=tpu").must(1, "--device=tpu")
    if HAS_CUDA:
        return "this build has CUDA"
    assay("run", "/nowhere", "--out=/nowhere", "--device", "cuda").must(1, "no CUDA in this build")


# ---- Data that is wrong


@check
def data_that_is_not_there_or_empty_is_an_error():
    work = Work(images=False)
    assay("run", work("none"), "--out", work("a")).must(1, "none")
    os.makedirs(work("empty"))
    assay("run", work("empty"), "--out", work("b")).must(1, "empty")
    assay("run", work("data/list.csv"), "--out", work("c")).must(1, "list")
    write(work("data/list.csv"), b"")
    assay("run", work("data/list.csv"), "--out", work("d")).must(1, "list")
    assay("plan", work("empty")).must(1, "empty")


@check
def unusable_images_are_recorded_and_left_out():
    work = Work()
    write(work("data/good/text.png"), b"not an image")
    write(work("data/good/cut.jpg"), read(os.path.join(GOLDEN, "rgb_420.jpg"))[:200])
    write(work("data/good/empty.png"), b"")
    names = ["good/text.png", "good/cut.jpg", "good/empty.png", "good/missing.png"]
    work.write_list(work.rows + [("train", name, 0) for name in names])
    result = json.loads(work.train("--json").must(0).out)
    assert result["n_train"] == 16 and result["n_skipped"] == 4, result
    skipped = json.loads(read(work("run/run.json")))["notes"]["skipped"]
    assert len(skipped) == 4 and all(s["reason"] for s in skipped), skipped
    assay("run", work("data/list.csv"), "--out", work("strict"), "--strict", *SMALL).must(1, "(--strict)")


@check
def images_of_strange_sizes_are_used():
    work = Work()
    write_png(work("data/good/pixel.png"), 1, 1, [b"abc"])
    write_png(work("data/good/wide.png"), 20000, 2, [b"\x80" * 60000] * 2)
    work.write_list(work.rows + [("train", "good/pixel.png", 0), ("test", "good/wide.png", 0)])
    result = json.loads(work.train("--json").must(0).out)
    assert result["n_train"] == 17 and result["n_test"] == 9 and result["n_skipped"] == 0, result


@check
def a_list_that_is_wrong_is_an_error_with_its_line():
    work = Work()
    work.write_list(work.rows + [work.rows[0]])
    work.train(out="run0").must(1, "occurs twice")
    work.write_list([("train", "../../etc/passwd", 0)])
    work.train(out="run1").must(1, "line 2")
    work.write_list([("train", "good/0.png", 7)])
    work.train(out="run2").must(1, "label")
    work.write_list([("train", "none/%d.png" % i, 0) for i in range(3)])
    work.train(out="run3").must(1, "none of the 3 images exists")


@check
def too_few_images_are_an_error():
    work = Work()
    train = [row for row in work.rows if row[0] == "train"]
    work.write_list(train[:2])
    work.train(out="run4").must(1, "--subsets=3", "only 2")
    work.write_list(train[:1])
    work.train(out="run5").must(1, "expected at least 2")
    work.write_list([row for row in work.rows if row[0] == "test"])
    work.train(out="run6").must(1, "no training images")


@check
def two_training_images_are_enough_for_two_subsets():
    work = Work()
    work.write_list([row for row in work.rows if row[0] == "test" or row[1] in ("good/0.png", "good/2.png")])
    assay("run", work("data/list.csv"), "--out", work("run"), "--image-size=64", "--subsets=2").must(0)


@check
def copies_of_one_image_are_an_error():
    work = Work()
    for row in work.rows:
        write_product(work("data/" + row[1]), 1)
    work.train().must(1, "1 usable training images (copies count once)")


@check
def constant_images_do_not_crash():
    work = Work()
    for i, row in enumerate(work.rows):  # black, of different sizes, so that they are not copies
        write_png(work("data/" + row[1]), 64, 64 + i, [bytes(192)] * (64 + i))
    result = json.loads(work.train("--json").must(0).out)
    assert result["n_train"] == 16, result
    json.dumps(result, allow_nan=False)


# ---- Runs


@check
def a_run_prints_json_and_nothing_else_on_stdout():
    result = json.loads(trained().outcome.out)
    for name in ("image_auroc", "alpha_kept", "alpha_estimated", "n_train", "n_kept", "seconds", "peak_rss_bytes",
                 "phases"):
        assert result[name] is not None, name
    json.dumps(result, allow_nan=False)


@check
def quiet_means_no_word_on_stderr():
    work = Work()
    assert work.train("--quiet", "--json").must(0).err == ""


@check
def a_second_call_returns_the_same_result():
    work = trained()
    assert work.train("--json").must(0).out == work.outcome.out


@check
def another_configuration_is_an_error_that_names_the_difference():
    trained().train("--seed=1").must(1, "seed: 0 in the run, 1 asked for")


@check
def purify_ranks_the_images():
    work = Work()
    out = assay("purify", work("data/list.csv"), "--out", work("run"), *SMALL).must(0).out
    assert "stage1.csv" in out, out
    lines = read(work("run/stage1.csv")).decode().splitlines()
    assert len(lines) == 17 and ",aggregate,kept,rank" in lines[0], lines[0]
    assert lines[1].startswith("spot/"), lines[1]


@check
def a_folder_that_cannot_be_written_is_an_error():
    work = Work()
    write(work("file"), b"")
    for out in (work("file"), work("file/run"), "/proc/assay", "/dev/null/run"):
        assay("run", work("data/list.csv"), "--out", out, *SMALL).must(1, out)
    write(work("thesis.tex"), b"")
    assay("run", work("data/list.csv"), "--out", work.path, *SMALL).must(1, "holds files but no run.json")


@check
def a_run_that_is_interrupted_continues_to_the_same_bytes():
    work = Work()
    flags = ["--image-size=448", "--subsets=3"]
    command = [ASSAY, "run", work("data/list.csv"), "--out", work("run"), *flags]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    first = process.stderr.readline()
    assert first.startswith(b"reading files"), first
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=240)[1].decode()
    Outcome(process.returncode, "", rest).must(1, "interrupted; the same command continues")
    assert not os.path.exists(work("run/model.assay"))
    assay(*command[1:]).must(0)
    assay("run", work("data/list.csv"), "--out", work("whole"), *flags).must(0)
    for name in ("model.assay", "stage1.csv", "scores.csv", "metrics.json"):
        assert read(work("run/" + name)) == read(work("whole/" + name)), name


@check
def a_run_that_is_killed_continues_to_the_same_bytes():
    work, reference = Work(), trained()
    for delay in (0.05, 0.2, 0.4):
        process = subprocess.Popen([ASSAY, "run", work("data/list.csv"), "--out", work("run"), *SMALL],
                                   stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        time.sleep(delay)
        process.kill()
        process.wait()
    work.train().must(0)
    for name in ("model.assay", "stage1.csv", "scores.csv", "metrics.json"):
        assert read(work("run/" + name)) == read(reference("run/" + name)), name
    assert not [name for name in os.listdir(work("run")) if name.startswith(".assay-tmp-")]


@check
def a_disk_that_is_full_is_an_error_and_the_run_continues():
    work, reference = Work(), trained()
    size = os.path.getsize(reference("run/model.assay")) // 2
    full = assay("run", work("data/list.csv"), "--out", work("run"), *SMALL,
                 limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    full.must(1, work("run"), "File too large")
    assert sorted(os.listdir(work("run"))) == [".lock", "run.json", "stage1.csv"], os.listdir(work("run"))
    work.train().must(0)
    assert read(work("run/model.assay")) == read(reference("run/model.assay"))


@check
def results_that_cannot_be_printed_are_an_error():
    with open("/dev/full", "w") as full:
        trained()
        assay("info", trained()("run/model.assay"), stdout=full).must(1, "stdout")


# ---- Models


@check
def score_prints_and_writes_what_it_is_asked_for():
    work = trained()
    folder = tempfile.mkdtemp(dir=os.environ["TEST_TMPDIR"])
    maps, table = os.path.join(folder, "maps"), os.path.join(folder, "s.csv")
    scored = assay("score", work("run/model.assay"), work("data/spot"), work("data/good/0.png"), "--maps", maps,
                   "--csv", table, "--json").must(0)
    result = json.loads(scored.out)
    count = len(os.listdir(work("data/spot"))) + 1
    assert len(result["images"]) == count and len(os.listdir(maps)) == count, result
    assert all(image["score"] >= 0 for image in result["images"])
    assert all(read(os.path.join(maps, name)).startswith(b"\x89PNG") for name in os.listdir(maps))
    lines = read(table).decode().splitlines()
    assert lines[0] == "path,score,anomalous,problem" and len(lines) == count + 1, lines
    plain = assay("score", work("run/model.assay"), work("data/good/0.png")).must(0).out
    assert plain.startswith(("normal", "anomalous")), plain


@check
def scores_of_the_run_and_of_score_are_the_same():
    work = trained()
    by_path = dict(line.split(",")[:2] for line in read(work("run/scores.csv")).decode().splitlines()[1:])
    for path, score in by_path.items():
        result = json.loads(assay("score", work("run/model.assay"), work("data/" + path), "--json").must(0).out)
        assert "%.9g" % result["images"][0]["score"] == score, path


@check
def an_unreadable_image_among_good_ones_is_said_and_the_others_are_scored():
    work = trained()
    folder = tempfile.mkdtemp(dir=os.environ["TEST_TMPDIR"])
    bad = os.path.join(folder, "bad.png")
    write(bad, b"not an image")
    scored = assay("score", work("run/model.assay"), bad, work("data/good/0.png"), os.path.join(folder, "none.png"),
                   "--json").must(1, "2 of 3 images could not be scored")
    images = json.loads(scored.out)["images"]
    assert [("score" in image) for image in images] == [False, True, False], images
    assert "bad.png" in scored.err and "none.png" in scored.err


@check
def scoring_what_is_not_there_is_an_error():
    work = trained()
    empty = tempfile.mkdtemp(dir=os.environ["TEST_TMPDIR"])
    assay("score", work("run/model.assay"), empty).must(1, "holds no images")
    assay("score", work("run/model.assay")).must(2, "1 operands")
    image = work("data/good/0.png")
    assay("score", work("run/model.assay"), image, "--csv=/dev/null/s.csv").must(1, "/dev/null/s.csv")
    assay("score", work("run/model.assay"), image, "--maps=/dev/null/maps").must(1, "/dev/null/maps")


@check
def a_model_that_is_damaged_is_an_error_that_names_it():
    work = trained()
    whole = read(work("run/model.assay"))
    folder = tempfile.mkdtemp(dir=os.environ["TEST_TMPDIR"])
    path = os.path.join(folder, "cut.assay")
    for size in (0, 4, 8, 100, 1000, len(whole) // 2, len(whole) - 1):
        write(path, whole[:size])
        for command in (("score", path, work("data/good/0.png")), ("info", path), ("eval", path, work("data/list.csv"))):
            assay(*command).must(1, "cut.assay")
    assay("info", os.path.join(folder, "none")).must(1, "none")
    assay("info", folder).must(1, "run.json")
    assay("info", work("data/good/0.png")).must(1, "0.png")


@check
def info_plan_and_eval_print_json():
    work = trained()
    assert json.loads(assay("info", work("run/model.assay")).must(0).out)["detector"]["name"] == "patchcore"
    assert json.loads(assay("info", work("run")).must(0).out)["configuration"]["seed"] == 0
    plan = json.loads(assay("plan", work("data/list.csv"), "--json", *SMALL).must(0).out)
    assert plan["n_train"] == 16 and plan["feature_bytes"] > 0, plan
    assert plan["host_bytes"] > plan["feature_bytes"] + plan["distance_table_bytes"], plan
    assert plan["memory_limit_that_fits_bytes"] == 16 << 20 and plan["memory_limit_fits"], plan  # all fits the least
    limited = assay("plan", work("data/list.csv"), "--json", *SMALL,
                    limit=lambda: resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))).must(0)
    assert 0 < json.loads(limited.out)["host_free_bytes"] < 1 << 30, limited.out
    assay("plan", work("data/list.csv"), *SMALL).must(0)
    measured = json.loads(assay("eval", work("run/model.assay"), work("data/list.csv"), "--quiet").must(0).out)
    assert measured["image_auroc"] == json.loads(work.outcome.out)["image_auroc"], measured
    assert measured["n_test"] == 8 and measured["n_normal"] + measured["n_anomalous"] == 8, measured


# ---- Real images


@check
def a_run_on_real_images_finds_their_defects():
    data = os.environ.get("ASSAY_DATA")
    if not data or not os.path.exists(os.path.join(data, "fuiad/ball_screw_alpha0.1.csv")):
        return "ASSAY_DATA names no folder of real images"
    out = tempfile.mkdtemp(dir=os.environ["TEST_TMPDIR"])
    result = json.loads(assay("run", os.path.join(data, "fuiad/ball_screw_alpha0.1.csv"), "--root", data, "--out", out,
                              "--json", "--quiet").must(0).out)
    assert result["image_auroc"] > 0.9, result


# ---- Running


def run_check(function):
    begun = time.time()
    try:
        skipped, failure = function(), None
    except Exception:  # a check fails by whatever it raises
        skipped, failure = None, traceback.format_exc()
    name = function.__name__.replace("_", " ")
    seconds = time.time() - begun
    print("%-8s %6.1f s  %s" % ("FAILED" if failure else "skipped" if skipped else "ok", seconds, name), flush=True)
    if failure or skipped:
        print(failure or "skipped: " + skipped, flush=True)
    inside = "<failure message=%s/>" % quoteattr(failure) if failure else "<skipped/>" if skipped else ""
    return failure is None, '<testcase classname="cli_test" name=%s time="%.3f">%s</testcase>' % (quoteattr(name),
                                                                                               seconds, inside)


def main():
    only = os.environ.get("TESTBRIDGE_TEST_ONLY", "").replace(" ", "_")
    results = [run_check(function) for function in CHECKS if only in function.__name__]
    failures = sum(not passed for passed, _ in results)
    if os.environ.get("XML_OUTPUT_FILE"):
        with open(os.environ["XML_OUTPUT_FILE"], "w") as file:
            file.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites><testsuite name="cli_test" tests="%d" '
                       'failures="%d">\n%s\n</testsuite></testsuites>\n' %
                       (len(results), failures, "\n".join(case for _, case in results)))
    for work in TRAINED:
        shutil.rmtree(work.path, ignore_errors=True)
    print("%d of %d checks failed" % (failures, len(results)))
    return 1 if failures or not results else 0


if __name__ == "__main__":
    sys.exit(main())

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import psutil
import pytest

from benchmarks import bench_scale
from benchmarks.made_up import write_sources


def test_stages_follow_each_other_and_count_their_images(tmp_path):
    write_sources(tmp_path / "photos", 80, bench_scale.SIZE)
    images = [stage(tmp_path) for stage in bench_scale.STAGES.values()]
    assert images == [80, 56, 12]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_memory_that_is_held_counts_and_a_mapped_file_does_not(tmp_path):
    process, size = psutil.Process(), 64 * 2**20
    before = bench_scale.anonymous_now(process)
    (tmp_path / "file").write_bytes(bytes(size))
    mapped = np.memmap(tmp_path / "file", np.uint8, "r")
    assert mapped.max() == 0
    assert bench_scale.anonymous_now(process) - before < size / 2
    held = np.ones(size, np.uint8)
    assert bench_scale.anonymous_now(process) - before > len(held) / 2


def test_every_stage_has_a_line_in_both_panels_and_its_numbers():
    found = pd.DataFrame(
        [
            {"images": n, "stage": stage, "ms": 0.4567, "MiB": 300.4}
            for n in (20, 2_000)
            for stage in bench_scale.STAGES
        ]
    )
    fig = bench_scale.draw(found)
    assert [len(ax.lines) for ax in fig.axes] == [3, 4]
    plt.close(fig)
    rows = bench_scale.as_rows(found)
    assert list(rows)[:2] == [
        "cleaning, 20 images, ms an image",
        "cleaning, 2,000 images, ms an image",
    ]
    assert rows["evaluation, 2,000 images, ms an image"] == 0.46
    assert rows["evaluation, 2,000 images, peak MiB"] == 300

# SPDX-License-Identifier: Apache-2.0
"""Pictures and signals: grids, regions, transforms, determinants."""

import numpy as np

from variant import F32, F64, S32, S64, Tolerance, family


@family
def grid_sample(v):
    v.since(16, 20, 22)
    rank = 3 if v.opset >= 20 and v.chance(0.3) else 2
    names = ("bilinear", "nearest", "bicubic") if v.opset < 20 else ("linear", "nearest", "cubic")
    mode = v.choose(*names[:2]) if rank == 3 else v.choose(*names)
    n = v.axis_dim(1, 2, 0)
    x = v.input([n, v.dim(1, 3, 0)] + [v.axis_dim(1, 5, 0) for _ in range(rank)], v.use(v.choose(F32, F32, F64)), special=False)
    grid = v.input([n] + [v.axis_dim(1, 5, 0) for _ in range(rank)] + [rank], x.type, low=-1.4, high=1.4, special=False)
    if x.type == F32:
        v.tolerance = Tolerance(1e-3, 1e-4)
    v.node("GridSample", [x, grid], mode=mode, align_corners=v.choose(None, 0, 1), padding_mode=v.choose("zeros", "border", "reflection"))


@family
def affine_grid(v):
    v.since(20)
    n, rank = v.integer(1, 2), v.choose(2, 2, 3)
    size = [n, v.integer(1, 3)] + [v.integer(1, 5) for _ in range(rank)]
    v.node("AffineGrid", [v.input([n, rank, rank + 1], special=False), v.given(np.array(size, S64))], align_corners=v.choose(None, 0, 1))


def regions(v, count, h, w):
    corners = v.contents([count, 2], F32, low=0, high=max(h, w) * 0.6, special=False)
    sizes = v.contents([count, 2], F32, low=0.5, high=max(h, w) * 0.7, special=False)
    return np.concatenate([corners, corners + sizes], 1).astype(np.float32)


@family
def roi_align(v):
    v.since(10, 16, 22)
    n, h, w, count = v.integer(1, 3), v.integer(2, 8), v.integer(2, 8), v.integer(1, 4)
    x = v.input([n, v.integer(1, 3), h, w], special=False)
    rois = v.input(regions(v, count, h, w))
    batch = v.given(v.contents([count], S64, low=0, high=n - 1))
    v.node("RoiAlign", [x, rois, batch], mode=v.choose(None, "avg", "avg", "max"), output_height=v.choose(None, 1, 2, 3),
           output_width=v.choose(None, 2, 3), sampling_ratio=v.choose(None, 0, 1, 2), spatial_scale=v.choose(None, 0.5, 1.0),
           coordinate_transformation_mode=v.choose("half_pixel", "output_half_pixel") if v.opset >= 16 else None)


@family
def max_roi_pool(v):
    v.since(7, 22)
    n, h, w, count = v.integer(1, 2), v.integer(3, 8), v.integer(3, 8), v.integer(1, 4)
    x = v.input([n, v.integer(1, 3), h, w], special=False)
    rois = np.concatenate([v.contents([count, 1], S64, low=0, high=n - 1), np.floor(regions(v, count, h, w))], 1).astype(np.float32)
    v.node("MaxRoiPool", [x, v.input(rois)], pooled_shape=[v.integer(1, 3), v.integer(1, 3)], spatial_scale=v.choose(None, 0.5))


@family
def deform_conv(v):
    v.since(19, 22)
    n, groups, each, o, k = v.integer(1, 2), v.choose(1, 1, 2), v.integer(1, 2), v.integer(1, 2), v.integer(1, 3)
    offset_group = v.choose(1, 1, 2)
    c = groups * each
    if c % offset_group:
        offset_group = 1
    h, w, pad, stride = v.integer(k, 6), v.integer(k, 6), v.integer(0, 1), v.integer(1, 2)
    oh, ow = (h + 2 * pad - k) // stride + 1, (w + 2 * pad - k) // stride + 1
    inputs = [v.input([n, c, h, w], special=False), v.weights([o * groups, each, k, k]),
              v.input([n, offset_group * k * k * 2, oh, ow], low=-1, high=1, special=False),
              v.weights([o * groups]) if v.chance(0.5) else None,
              v.input([n, offset_group * k * k, oh, ow], low=0, high=1, special=False) if v.chance(0.5) else None]
    v.tolerance = Tolerance(1e-3, 1e-4)
    v.node("DeformConv", inputs, kernel_shape=[k, k], pads=[pad] * 4, strides=[stride] * 2, group=groups, offset_group=offset_group)


@family
def col2im(v):
    v.since(18)
    k = [v.integer(1, 3), v.integer(1, 3)]
    image = [v.integer(k[0], 6), v.integer(k[1], 6)]
    strides, dilations, pad = [v.integer(1, 2), v.integer(1, 2)], [1, 1], v.integer(0, 1)
    blocks = int(np.prod([(i + 2 * pad - d * (n - 1) - 1) // s + 1 for i, n, s, d in zip(image, k, strides, dilations)]))
    x = v.input([v.axis_dim(1, 2, 0), v.integer(1, 3) * k[0] * k[1], blocks])
    v.node("Col2Im", [x, v.given(np.array(image, S64)), v.given(np.array(k, S64))], strides=strides, pads=[pad] * 4)


@family
def determinant(v):
    v.since(11, 22)
    n = v.dim(1, 5, 0)
    v.tolerance = Tolerance(1e-3, 1e-4)
    v.node("Det", [v.input(v.shape(0, 2) + [n, n], v.choose(F32, F64), special=False)])


@family
def discrete_fourier(v):
    v.since(17, 20)
    n, t = v.integer(1, 3), v.dim(1, 9, 0)
    inverse, onesided = v.integer(0, 1), v.integer(0, 1)
    if inverse:
        onesided = 0
    complex_input = True if inverse else not onesided and v.chance(0.5)
    middle = [v.integer(1, 3)] if v.chance(0.4) else []
    x = v.input([n, t] + middle + [2 if complex_input else 1], v.choose(F32, F32, F64), special=False)
    rank = len(x.shape)
    axis = v.choose(1, 1, 1 - rank)
    length = v.given(np.array(v.integer(1, 10), S64), 0.8) if v.chance(0.4) else None
    v.tolerance = Tolerance(1e-3, 1e-4)
    if v.opset >= 20:
        v.node("DFT", [x, length, v.constant(np.array(axis, S64))], inverse=inverse, onesided=onesided)
    else:
        v.node("DFT", [x, length], inverse=inverse, onesided=onesided, axis=axis)


@family
def short_time_fourier(v):
    v.since(17)
    n, t, frame = v.integer(1, 2), v.integer(8, 20), v.integer(2, 8)
    x = v.input([n, t, 1], special=False)
    window = v.weights([frame], low=0, high=1) if v.chance(0.7) else None
    v.tolerance = Tolerance(1e-3, 1e-4)
    v.node("STFT", [x, v.constant(np.array(v.integer(1, 4), S64)), window, v.constant(np.array(frame, S64))], onesided=v.choose(None, 0, 1))


@family
def signal_windows(v):
    v.since(17)
    name = v.choose("HannWindow", "HammingWindow", "BlackmanWindow")
    v.tolerance = Tolerance(1e-3, 1e-5, 2e-6)
    v.node(name, [v.input(np.array(v.integer(2, 12), v.choose(S32, S64)))], type=F32, periodic=v.choose(None, 0, 1))


@family
def mel_weights(v):
    v.since(17)
    numbers = [np.array(v.integer(2, 8), S64), np.array(v.choose(16, 32, 64), S64), np.array(v.choose(8000, 16000), S64),
               np.array(v.choose(0.0, 20.0), F32), np.array(v.choose(3000.0, 4000.0), F32)]
    v.tolerance = Tolerance(1e-3, 1e-3)
    v.node("MelWeightMatrix", [v.input(numbers[0])] + [v.given(n) for n in numbers[1:]], type=F32)

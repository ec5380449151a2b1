# SPDX-License-Identifier: Apache-2.0
"""Networks for pictures: those of torchvision and timm, the smallest of each family, and the shapes that mobile applications use."""

import torch
import torch.nn.functional as F
from torch import nn

from exports import Flat, Network, image, real


def timm_model(name, **options):
    def make():
        import timm

        return timm.create_model(name, pretrained=False, num_classes=10, **options)

    return make


def torchvision_model(path, *arguments, **options):
    def make():
        import torchvision

        module = torchvision.models
        for part in path.split("."):
            module = getattr(module, part)
        return module(*arguments, **options)

    return make


# Those that take any height and width.
CONVOLUTIONAL = (
    "mobilenetv1_100 mobilenetv2_035 mobilenetv3_small_050 mobilenetv4_conv_small_050 mobilenetv4_hybrid_medium mobileone_s0 "
    "mobilevit_xxs mobilevitv2_050 efficientnet_b0 efficientnet_lite0 tf_efficientnetv2_b0 tinynet_e lcnet_035 mixnet_s fbnetc_100 "
    "fbnetv3_b spnasnet_100 hardcorenas_a semnasnet_050 mnasnet_small rexnet_100 ghostnet_050 ghostnetv2_100 repghostnet_050 "
    "repvgg_a0 repvit_m0_9 hrnet_w18_small densenetblur121d convnext_atto convnextv2_atto test_convnext3 edgenext_xx_small "
    "mambaout_femto starnet_s050 fasternet_t0 inception_next_atto regnetx_002 regnety_002 dla46_c dpn48b selecsls42b "
    "ese_vovnet19b_slim cspresnet50 cs3darknet_focus_s darknet17 resnest14d res2net50_48w_2s skresnet18 legacy_seresnet18 "
    "gcresnet33ts test_nfnet nf_regnet_b0 test_byobnet hgnetv2_b0 pvt_v2_b0 poolformer_s12 efficientvit_b0 shvit_s1 "
    "swiftformer_xs resnet18 xception41 test_efficientnet_gn fastvit_t8 "
).split()

# Those whose picture has one size: name, size, options that make them small.
FIXED = {
    "vit_tiny_patch16_224": (64, {"img_size": 64, "depth": 3}),
    "deit_tiny_distilled_patch16_224": (64, {"img_size": 64, "depth": 3}),
    "deit3_small_patch16_224": (64, {"img_size": 64, "depth": 2}),
    "beit_base_patch16_224": (64, {"img_size": 64, "depth": 2, "embed_dim": 96, "num_heads": 3}),
    "cait_xxs24_224": (64, {"img_size": 64, "depth": 3}),
    "convit_tiny": (224, {"depth": 2, "local_up_to_layer": 1}),
    "crossvit_9_240": (240, {}),
    "coat_lite_tiny": (64, {"img_size": 64}),
    "coat_tiny": (64, {"img_size": 64}),
    "xcit_nano_12_p16_224": (64, {"img_size": 64}),
    "levit_128s": (224, {}),
    "pit_ti_224": (224, {}),
    "tnt_s_patch16_224": (64, {"img_size": 64, "depth": 2}),
    "visformer_tiny": (224, {}),
    "volo_d1_224": (64, {"img_size": 64}),
    "swin_tiny_patch4_window7_224": (56, {"img_size": 56, "embed_dim": 24, "depths": (2, 2, 2, 2)}),
    "swinv2_tiny_window8_256": (64, {"img_size": 64, "embed_dim": 24, "depths": (2, 2)}),
    "twins_svt_small": (64, {"img_size": 64, "depths": (1, 1, 1, 1)}),
    "nest_tiny": (64, {"img_size": 64}),
    "maxvit_rmlp_pico_rw_256": (64, {"img_size": 64}),
    "coatnet_pico_rw_224": (64, {"img_size": 64}),
    "maxxvit_rmlp_nano_rw_256": (64, {"img_size": 64}),
    "gcvit_xxtiny": (224, {}),
    "efficientformer_l1": (224, {"depths": (1, 1, 2, 2)}),
    "efficientformerv2_s0": (224, {}),
    "efficientvit_m0": (224, {}),
    "tiny_vit_5m_224": (64, {"depths": (1, 1, 2, 1)}),
    "mixer_s32_224": (64, {"img_size": 64}),
    "gmlp_ti16_224": (64, {"img_size": 64}),
    "resmlp_12_224": (64, {"img_size": 64}),
    "gmixer_12_224": (64, {"img_size": 64}),
    "eva02_tiny_patch14_224": (56, {"img_size": 56, "depth": 2}),
    "test_vit4": (64, {"img_size": 64}),
    "focalnet_tiny_srf": (64, {}),
    "davit_tiny": (64, {"embed_dims": (24, 48, 96, 192), "depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8)}),
    "mvitv2_tiny": (64, {"img_size": 64}),
    "hiera_tiny_224": (224, {"embed_dim": 24}),
    "sequencer2d_s": (64, {"img_size": 64, "layers": (1, 1, 1, 1)}),
    "halonet26t": (256, {}),
    "lambda_resnet26t": (64, {}),
    "botnet26t_256": (64, {"img_size": 64}),
    "convmixer_768_32": (64, {}),
    "vit_relpos_small_patch16_224": (64, {"img_size": 64, "depth": 2}),
    "nextvit_small": (64, {"depths": (1, 1, 5, 1)}),
    "caformer_s18": (64, {}),
    "rdnet_tiny": (64, {}),
    "vit_small_patch16_dinov3": (64, {"img_size": 64, "depth": 2}),
    "bat_resnext26ts": (256, {}),
}


class Generator(nn.Module):
    """DCGAN."""

    def __init__(self):
        super().__init__()
        layers = [nn.ConvTranspose2d(32, 64, 4, 1, 0, bias=False), nn.BatchNorm2d(64), nn.ReLU(True)]
        for i in (64, 32):
            layers += [nn.ConvTranspose2d(i, i // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(i // 2), nn.ReLU(True)]
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(16, 3, 4, 2, 1), nn.Tanh())

    def forward(self, z):
        return self.layers(z[:, :, None, None])


class UNet(nn.Module):
    def __init__(self, channels=(8, 16, 32), learned=True):
        super().__init__()
        self.first = self.block(3, channels[0])
        self.down = nn.ModuleList(self.block(a, b) for a, b in zip(channels, channels[1:]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) if learned else nn.Conv2d(b, a, 1) for a, b in zip(channels, channels[1:]))
        self.merge = nn.ModuleList(self.block(2 * a, a) for a in channels[:-1])
        self.last, self.learned = nn.Conv2d(channels[0], 2, 1), learned

    @staticmethod
    def block(a, b):
        return nn.Sequential(
            nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.LeakyReLU(0.1), nn.Conv2d(b, b, 3, padding=1), nn.PReLU(b)
        )

    def forward(self, x):
        x, kept = self.first(x), []
        for block in self.down:
            kept.append(x)
            x = block(F.max_pool2d(x, 2))
        for up, merge, skip in reversed(list(zip(self.up, self.merge, kept))):
            x = up(x) if self.learned else F.interpolate(up(x), size=skip.shape[2:], mode="bilinear", align_corners=False)
            x = merge(torch.cat([skip, x], 1))
        return self.last(x).softmax(1)


class Upscaler(nn.Module):
    """ESPCN, or SRCNN where the picture grows first."""

    def __init__(self, first):
        super().__init__()
        self.first = first
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2),
            nn.Tanh(),
            nn.Conv2d(16, 8, 3, padding=1),
            nn.Tanh(),
            nn.Conv2d(8, 1 if first else 9, 3, padding=1),
        )

    def forward(self, x):
        if self.first:
            return self.layers(F.interpolate(x, scale_factor=3, mode="bicubic", align_corners=False))
        return F.pixel_shuffle(self.layers(x), 3).clamp(0, 1)


def conv_silu(a, b, k=3, s=1):
    return nn.Sequential(nn.Conv2d(a, b, k, s, k // 2, bias=False), nn.BatchNorm2d(b), nn.SiLU())


class Detector(nn.Module):
    """The shape of YOLOv8: C2f blocks, SPPF, a top-down path, distribution focal loss, boxes by anchors that follow the picture's size."""

    def __init__(self, c=8, classes=4, bins=8):
        super().__init__()
        self.stem = nn.Sequential(conv_silu(3, c, 3, 2), conv_silu(c, 2 * c, 3, 2))
        self.p3, self.p4 = nn.Sequential(conv_silu(2 * c, 4 * c, 3, 2), conv_silu(4 * c, 4 * c)), conv_silu(4 * c, 8 * c, 3, 2)
        self.reduce, self.expand = conv_silu(8 * c, 4 * c, 1), conv_silu(16 * c, 8 * c, 1)
        self.top = conv_silu(12 * c, 4 * c)
        self.boxes = nn.ModuleList(nn.Conv2d(n, 4 * bins, 1) for n in (4 * c, 8 * c))
        self.scores = nn.ModuleList(nn.Conv2d(n, classes, 1) for n in (4 * c, 8 * c))
        self.register_buffer("bins", torch.arange(bins).float())

    def forward(self, x):
        p3 = self.p3(self.stem(x))
        y = self.reduce(self.p4(p3))
        pools = [y]
        for _ in range(3):
            pools.append(F.max_pool2d(pools[-1], 5, 1, 2))
        p4 = self.expand(torch.cat(pools, 1))
        p3 = self.top(torch.cat([F.interpolate(p4, scale_factor=2.0, mode="nearest"), p3], 1))
        found = []
        for level, box, score, stride in zip((p3, p4), self.boxes, self.scores, (8, 16)):
            n, _, h, w = level.shape
            d = box(level).view(n, 4, len(self.bins), h * w).softmax(2)
            d = (d * self.bins.view(1, 1, -1, 1)).sum(2)
            ys, xs = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
            center = torch.stack([xs.reshape(-1), ys.reshape(-1)])[None]
            first, last = center - d[:, :2], center + d[:, 2:]
            found.append(torch.cat([(first + last) / 2 * stride, (last - first) * stride, score(level).flatten(2).sigmoid()], 1))
        return torch.cat(found, 2).transpose(1, 2)


class Pose(nn.Module):
    """Heat maps of a small stacked hourglass, and where each is highest."""

    def __init__(self, joints=6):
        super().__init__()
        self.stem, self.inner = conv_silu(3, 16, 3, 2), nn.ModuleList(conv_silu(16, 16) for _ in range(4))
        self.heat = nn.Conv2d(16, joints, 1)

    def forward(self, x):
        x = self.stem(x)
        y = self.inner[1](self.inner[0](F.avg_pool2d(x, 2)))
        x = self.inner[2](x) + F.interpolate(y, size=x.shape[-2:], mode="nearest")
        heat = self.heat(self.inner[3](x))
        flat = heat.flatten(2)
        score, place = flat.max(-1)
        return heat, score, torch.stack([place % heat.shape[-1], torch.div(place, heat.shape[-1], rounding_mode="floor")], -1)


class SoftArgmax(nn.Module):
    """Landmarks as expected places, with a grid that follows the size."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(conv_silu(3, 16, 3, 2), nn.InstanceNorm2d(16, affine=True), nn.Conv2d(16, 5, 1))

    def forward(self, x):
        heat = self.conv(x)
        h, w = heat.shape[-2:]
        p = heat.flatten(2).softmax(-1).unflatten(2, (h, w))
        return torch.stack([(p.sum(2) * torch.linspace(-1, 1, w)).sum(-1), (p.sum(3) * torch.linspace(-1, 1, h)).sum(-1)], -1)


class Warp(nn.Module):
    """A spatial transformer."""

    def __init__(self):
        super().__init__()
        self.where = nn.Sequential(nn.Conv2d(3, 4, 7, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 6))

    def forward(self, x):
        theta = self.where(x).view(-1, 2, 3) * 0.1 + torch.eye(2, 3)
        return F.grid_sample(x, F.affine_grid(theta, x.size(), align_corners=False), align_corners=False, padding_mode="border")


class Style(nn.Module):
    """Style transfer: reflection padding, instance normalization, nearest upsampling."""

    def __init__(self, c=8):
        super().__init__()

        def layer(a, b, k, s):
            return nn.Sequential(nn.ReflectionPad2d(k // 2), nn.Conv2d(a, b, k, s), nn.InstanceNorm2d(b, affine=True))

        self.down = nn.Sequential(layer(3, c, 9, 1), nn.ReLU(), layer(c, 2 * c, 3, 2), nn.ReLU())
        self.inner, self.up = layer(2 * c, 2 * c, 3, 1), layer(2 * c, c, 3, 1)
        self.last = nn.Sequential(nn.ReflectionPad2d(4), nn.Conv2d(c, 3, 9))

    def forward(self, x):
        y = self.down(x)
        y = y + self.inner(y)
        return self.last(F.relu(self.up(F.interpolate(y, scale_factor=2, mode="nearest"))))


class Matting(nn.Module):
    """A recurrent cell over pictures, whose state goes in and out (as in robust video matting)."""

    def __init__(self, c=8):
        super().__init__()
        self.encode, self.gates, self.candidate = (
            conv_silu(3, c, 3, 2),
            nn.Conv2d(2 * c, 2 * c, 3, padding=1),
            nn.Conv2d(2 * c, c, 3, padding=1),
        )
        self.alpha = nn.Conv2d(c, 1, 1)

    def forward(self, x, state):
        y = self.encode(x)
        reset, update = self.gates(torch.cat([y, state], 1)).sigmoid().chunk(2, 1)
        state = (1 - update) * state + update * self.candidate(torch.cat([y, reset * state], 1)).tanh()
        return F.interpolate(self.alpha(state), size=x.shape[-2:], mode="bilinear", align_corners=True).sigmoid(), state


class Volume(nn.Module):
    """3-D convolutions, up and down."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv3d(1, 8, 3, padding=1),
            nn.BatchNorm3d(8),
            nn.ReLU(),
            nn.MaxPool3d(2),
            nn.Conv3d(8, 16, 3, padding=1, groups=4),
            nn.GroupNorm(4, 16),
        )
        self.up, self.last = nn.ConvTranspose3d(16, 8, 2, 2), nn.Conv3d(8, 2, 1)

    def forward(self, x):
        return self.last(F.relu(self.up(self.down(x))) + F.interpolate(x, scale_factor=1.0, mode="trilinear"))


class Autoencoder(nn.Module):
    """A variational one, at its mean; and a vector quantizer."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.GELU(), nn.Conv2d(8, 16, 4, 2, 1))
        self.codes = nn.Embedding(32, 16)
        self.decode = nn.Sequential(nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.GELU(approximate="tanh"), nn.ConvTranspose2d(8, 3, 4, 2, 1))

    def forward(self, x):
        z = self.encode(x).permute(0, 2, 3, 1)
        flat = z.reshape(-1, z.shape[-1])
        index = torch.cdist(flat, self.codes.weight).argmin(-1)
        return self.decode(self.codes(index).view(z.shape).permute(0, 3, 1, 2)), index


class Flow(nn.Module):
    """A correlation volume and a warp, as in optical flow."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv_silu(3, 8, 3, 2), nn.Conv2d(8, 8, 3, padding=1))
        self.flow = nn.Conv2d(25, 2, 3, padding=1)

    def forward(self, a, b):
        a, b = self.features(a), self.features(b)
        n, c, h, w = a.shape
        windows = F.unfold(b, 5, padding=2).view(n, c, 25, h, w)
        flow = self.flow((a[:, :, None] * windows).mean(1))
        ys, xs = torch.meshgrid(torch.linspace(-1, 1, h), torch.linspace(-1, 1, w), indexing="ij")
        grid = torch.stack([xs, ys], -1)[None] + 0.1 * flow.permute(0, 2, 3, 1)
        return flow, F.grid_sample(b, grid, align_corners=True)


class Boxes(nn.Module):
    """What a detector of torchvision finds, padded pictures left out: boxes, scores, labels ..."""

    def __init__(self, detector):
        super().__init__()
        self.detector = detector

    def forward(self, x):
        return tuple(self.detector([x])[0].values())


def detector(path, **options):
    def make():
        return Boxes(
            torchvision_model(
                "detection." + path, weights=None, weights_backbone=None, num_classes=4, min_size=96, max_size=96, **options
            )()
        )

    return Network(make, {"image": real(3, 96, 96)})


def ssdlite():
    return Boxes(torchvision_model("detection.ssdlite320_mobilenet_v3_large", weights=None, weights_backbone=None, num_classes=4)())


def segmenter(path, given, **options):
    """`given`: the name that the network has for the picture."""
    return image(
        lambda: Flat(
            torchvision_model("segmentation." + path, weights=None, weights_backbone=None, num_classes=4, **options)(), [given], ["out"]
        )
    )


def small_fcn():
    import torchvision
    from torchvision.models._utils import IntermediateLayerGetter

    trunk = IntermediateLayerGetter(torchvision.models.resnet18(weights=None), {"layer4": "out"})
    return Flat(torchvision.models.segmentation.FCN(trunk, torchvision.models.segmentation.fcn.FCNHead(512, 4)), ["x"], ["out"])


def clip_of(make, frames=8):
    return Network(make, {"clip": real("batch", 3, frames, 32, 32)}, ({"batch": 1}, {"batch": 2}))


def small_vgg():
    from torchvision.models.vgg import VGG, make_layers

    network = VGG(make_layers([8, "M", 16, "M", 32, "M"], True), num_classes=10)
    network.classifier = nn.Sequential(nn.Linear(32 * 49, 32), nn.ReLU(), nn.Dropout(), nn.Linear(32, 10))
    return network


def small_resnext():
    from torchvision.models.resnet import Bottleneck, ResNet

    return ResNet(Bottleneck, [1, 1, 1, 1], 10, groups=8, width_per_group=4)


def small_swin_v2():
    from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformer, SwinTransformerBlockV2

    return SwinTransformer(
        [4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=10, block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2
    )


def small_maxvit():
    from torchvision.models import MaxVit

    return MaxVit((64, 64), 16, 4, [16, 32], [1, 1], 8, 0.0, num_classes=10)


def small_trunk():
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

    return resnet_fpn_backbone(backbone_name="resnet18", weights=None)


def small_retinanet():
    from torchvision.models.detection import RetinaNet
    from torchvision.models.detection.anchor_utils import AnchorGenerator

    anchors = AnchorGenerator(((16,), (32,), (64,), (96,), (128,)), ((0.5, 1.0, 2.0),) * 5)
    return Boxes(RetinaNet(small_trunk(), 4, min_size=96, max_size=96, anchor_generator=anchors, topk_candidates=20))


def small_rcnn(kind):
    from torchvision.models import detection

    return Boxes(
        getattr(detection, kind)(small_trunk(), 3, min_size=96, max_size=96, rpn_pre_nms_top_n_test=50, rpn_post_nms_top_n_test=20)
    )


class LastFlow(nn.Module):
    def __init__(self, raft):
        super().__init__()
        self.raft = raft

    def forward(self, a, b):
        return self.raft(a, b, num_flow_updates=2)[-1]


def small_raft():
    return LastFlow(torchvision_model("optical_flow.raft_small", weights=None)())


def small_swin3d():
    from torchvision.models.video.swin_transformer import SwinTransformer3d

    return SwinTransformer3d([2, 4, 4], 24, [2, 2], [2, 4], [4, 4, 4], num_classes=10)


FRAMES = ({"batch": 1, "height": 32, "width": 40}, {"batch": 2, "height": 48, "width": 32})
NETWORKS = {f"timm.{name}": image(timm_model(name)) for name in CONVOLUTIONAL}
NETWORKS |= {f"timm.{name}": image(timm_model(name, **options), size, None) for name, (size, options) in FIXED.items()}
NETWORKS |= {
    "tv.alexnet": image(torchvision_model("alexnet", num_classes=10), 96, 128),
    "tv.vgg": image(small_vgg),
    "tv.squeezenet": image(torchvision_model("squeezenet1_1", num_classes=10)),
    "tv.mobilenet_v2": image(torchvision_model("mobilenet_v2", num_classes=10)),
    "tv.mobilenet_v3_small": image(torchvision_model("mobilenet_v3_small", num_classes=10)),
    "tv.mnasnet": image(torchvision_model("mnasnet0_5", num_classes=10)),
    "tv.shufflenet": image(torchvision_model("shufflenet_v2_x0_5", num_classes=10)),
    "tv.efficientnet_b0": image(torchvision_model("efficientnet_b0", num_classes=10)),
    "tv.regnet": image(torchvision_model("regnet_y_400mf", num_classes=10)),
    "tv.resnet18": image(torchvision_model("resnet18", num_classes=10)),
    "tv.resnext": image(small_resnext),
    "tv.googlenet": image(torchvision_model("googlenet", num_classes=10, init_weights=False, aux_logits=False)),
    "tv.inception": image(torchvision_model("inception_v3", num_classes=10, init_weights=False, aux_logits=False), 96, 128),
    "tv.densenet": image(torchvision_model("DenseNet", 8, (2, 2, 2, 2), 16, num_classes=10)),
    "tv.swin": image(torchvision_model("SwinTransformer", [4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=10), 64, 96),
    "tv.swin_v2": image(small_swin_v2, 64, 96),
    "tv.maxvit": image(small_maxvit, 64, None),
    "tv.vit": image(torchvision_model("VisionTransformer", 64, 16, 2, 4, 64, 128, num_classes=10), 64, None),
    "tv.deeplab": segmenter("deeplabv3_mobilenet_v3_large", "x"),
    "tv.lraspp": segmenter("lraspp_mobilenet_v3_large", "input"),
    "tv.fcn": image(small_fcn),
    "tv.fpn": image(lambda: Flat(small_trunk(), ["x"])),
    "tv.ssdlite": Network(ssdlite, {"image": real(3, 96, 96)}),
    "tv.retinanet": Network(small_retinanet, {"image": real(3, 96, 96)}),
    "tv.faster_rcnn": detector("fasterrcnn_mobilenet_v3_large_320_fpn"),
    "tv.keypoint_rcnn": Network(lambda: small_rcnn("KeypointRCNN"), {"image": real(3, 96, 96)}),
    "tv.mask_rcnn": Network(lambda: small_rcnn("MaskRCNN"), {"image": real(3, 96, 96)}),
    "tv.raft": Network(small_raft, {"a": real("batch", 3, 128, 128), "b": real("batch", 3, 128, 128)}, ({"batch": 1}, {"batch": 2})),
    "tv.r3d": clip_of(torchvision_model("video.r3d_18", num_classes=10)),
    "tv.mc3": clip_of(torchvision_model("video.mc3_18", num_classes=10)),
    "tv.r2plus1d": clip_of(torchvision_model("video.r2plus1d_18", num_classes=10)),
    "tv.swin3d": clip_of(small_swin3d),
    "own.dcgan": Network(Generator, {"z": real("batch", 32)}, ({"batch": 1}, {"batch": 3})),
    "own.unet": image(UNet, 32, 48),
    "own.unet_bilinear": image(lambda: UNet(learned=False), 36, 50),
    "own.srcnn": Network(lambda: Upscaler(True), {"y": real("batch", 1, "height", "width")}, FRAMES),
    "own.espcn": Network(lambda: Upscaler(False), {"y": real("batch", 1, "height", "width")}, FRAMES),
    "own.detector": image(Detector, 64, 96),
    "own.pose": image(Pose, 32, 48),
    "own.landmarks": image(SoftArgmax, 32, 48),
    "own.warp": image(Warp, 32, 48),
    "own.style": image(Style, 32, 48),
    "own.matting": Network(
        Matting,
        {"frame": real("batch", 3, "2 * h", "2 * w"), "state": real("batch", 8, "h", "w")},
        ({"batch": 1, "h": 12, "w": 16}, {"batch": 2, "h": 16, "w": 10}),
    ),
    "own.volume": Network(Volume, {"scan": real("batch", 1, 8, 16, 16)}, ({"batch": 1}, {"batch": 2})),
    "own.vq_autoencoder": image(Autoencoder, 32, 48),
    "own.flow": Network(Flow, {"a": real("batch", 3, "height", "width"), "b": real("batch", 3, "height", "width")}, FRAMES),
}

# SPDX-License-Identifier: Apache-2.0
"""Networks of transformers with small random configurations: text, pictures, sound, time series; and decode steps with a past."""

import torch
from torch import nn

from exports import Flat, Network, ids, mask, positive, real

WORDS = 100
TINY = {
    "vocab_size": WORDS,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GROUPED = TINY | {"num_key_value_heads": 2, "head_dim": 8}
SENTENCES = ({"batch": 1, "time": 9}, {"batch": 3, "time": 14})
VISION = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "image_size": 32, "patch_size": 8}
SOUND = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "conv_dim": (16, 16, 16),
    "conv_stride": (5, 2, 2),
    "conv_kernel": (10, 3, 3),
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "vocab_size": 32,
    "apply_spec_augment": False,
}


def build(config, model="AutoModel", attention="sdpa", **options):
    """A model of transformers by the names of its configuration and class; its attention is written out where it has no other."""
    import transformers

    made, cls = getattr(transformers, config)(**options), getattr(transformers, model)
    create = cls.from_config if model.startswith("Auto") else cls._from_config
    try:
        return create(made, attn_implementation=attention)
    except ValueError as reason:
        if "attention implementation" not in str(reason):
            raise
        return create(getattr(transformers, config)(**options), attn_implementation="eager")


def encoder(config, model="AutoModel", keep=None, attention="sdpa", sentences=SENTENCES, **options):
    """Token ids and a mask of padding."""

    def make():
        return Flat(build(config, model, attention, **options), ["input_ids", "attention_mask"], keep)

    return Network(make, {"ids": ids(WORDS, "batch", "time"), "mask": mask("batch", "time")}, sentences)


def decoder(config, attention="sdpa", masked=True, **options):
    """A causal language model over a whole sentence."""

    def make():
        names = ["input_ids", "attention_mask"][: 2 if masked else 1]
        return Flat(build(config, "AutoModelForCausalLM", attention, **options), names, ["logits"], use_cache=False)

    inputs = {"ids": ids(WORDS, "batch", "time"), "mask": mask("batch", "time")}
    return Network(make, inputs if masked else {"ids": inputs["ids"]}, SENTENCES)


class Step(nn.Module):
    """A decode step: the past goes in as keys and values, and comes out longer."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, mask, *past):
        from transformers import DynamicCache

        cache = DynamicCache()
        for layer in range(len(past) // 2):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        output = self.model(input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True)
        grown = [tensor for layer in output.past_key_values.layers for tensor in (layer.keys, layer.values)]
        return (output.logits, *grown)


class StepOfTwo(nn.Module):
    """Step, for exporters that want every input by name: two layers."""

    def __init__(self, model):
        super().__init__()
        self.step = Step(model)

    def forward(self, ids, mask, key_0, value_0, key_1, value_1):
        return self.step(ids, mask, key_0, value_0, key_1, value_1)


def step(config, heads=4, attention="sdpa", words=1, **options):
    past = {f"{kind}_{layer}": real("batch", heads, "past", 8) for layer in (0, 1) for kind in ("key", "value")}
    return Network(
        lambda: StepOfTwo(build(config, "AutoModelForCausalLM", attention, **options)),
        {"ids": ids(WORDS, "batch", words), "mask": mask("batch", f"past + {words}"), **past},
        ({"batch": 1, "past": 6}, {"batch": 2, "past": 11}),
    )


class Translator(nn.Module):
    """An encoder and a decoder in one run."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, mask, target):
        return self.model(input_ids=ids, attention_mask=mask, decoder_input_ids=target, use_cache=False).logits


class Half(nn.Module):
    """The decoder alone, with what the encoder made."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, target, encoded, mask):
        return self.model(encoder_outputs=(encoded,), attention_mask=mask, decoder_input_ids=target, use_cache=False).logits


def translator(config, attention="sdpa", **options):
    return Network(
        lambda: Translator(build(config, "AutoModelForSeq2SeqLM", attention, **options)),
        {"ids": ids(WORDS, "batch", "time"), "mask": mask("batch", "time"), "target": ids(WORDS, "batch", "said")},
        ({"batch": 1, "time": 9, "said": 5}, {"batch": 2, "time": 12, "said": 8}),
    )


def half(config, width=32, **options):
    return Network(
        lambda: Half(build(config, "AutoModelForSeq2SeqLM", **options)),
        {"target": ids(WORDS, "batch", "said"), "encoded": real("batch", "time", width), "mask": mask("batch", "time")},
        ({"batch": 1, "time": 9, "said": 5}, {"batch": 2, "time": 12, "said": 8}),
    )


def seer(config, model="AutoModel", size=32, keep=None, attention="sdpa", channels=3, **options):
    """A model of pictures."""
    return Network(
        lambda: Flat(build(config, model, attention, **options), ["pixel_values"], keep),
        {"pixels": real("batch", channels, size, size)},
        ({"batch": 1}, {"batch": 2}),
    )


def listener(config, model="AutoModel", keep=None, **options):
    """A model of raw sound."""
    return Network(
        lambda: Flat(build(config, model, **options), ["input_values"], keep),
        {"sound": real("batch", "samples")},
        ({"batch": 1, "samples": 800}, {"batch": 2, "samples": 1200}),
    )


def clip(config, text, vision, **options):
    def make():
        return Flat(
            build(config, text_config=text, vision_config=vision, **options),
            ["input_ids", "pixel_values"],
            ["logits_per_image", "text_embeds", "image_embeds"],
        )

    return Network(
        make,
        {"ids": ids(WORDS, "texts", 7), "pixels": real("pictures", 3, 32, 32)},
        ({"texts": 1, "pictures": 2}, {"texts": 3, "pictures": 1}),
    )


T5 = {"vocab_size": WORDS, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0}
BART = {
    "vocab_size": WORDS,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
    "forced_eos_token_id": None,
}
WHISPER = BART | {"num_mel_bins": 16, "max_source_positions": 24, "max_target_positions": 32}
GPT2 = {"vocab_size": WORDS, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "bos_token_id": 1, "eos_token_id": 2}
DETR = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "num_queries": 6,
    "num_labels": 4,
}
SERIES = {"prediction_length": 6, "context_length": 16, "num_input_channels": 3, "patch_length": 4, "patch_stride": 4, "d_model": 32}


def small_trunk():
    from transformers import ResNetConfig

    return ResNetConfig(embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], out_features=["stage4"])


def detr(config, model, **options):
    def make():
        return Flat(build(config, model, backbone_config=small_trunk(), **DETR, **options), ["pixel_values"], ["logits", "pred_boxes"])

    return Network(make, {"pixels": real("batch", 3, 64, 64)}, ({"batch": 1}, {"batch": 2}))


NETWORKS = {
    "bert": encoder("BertConfig", **TINY),
    "bert.eager": encoder("BertConfig", attention="eager", **TINY),
    "bert.labels": encoder("BertConfig", "AutoModelForSequenceClassification", ["logits"], num_labels=3, **TINY),
    "bert.tokens": encoder("BertConfig", "AutoModelForTokenClassification", ["logits"], num_labels=5, **TINY),
    "bert.answers": encoder("BertConfig", "AutoModelForQuestionAnswering", ["start_logits", "end_logits"], **TINY),
    "bert.words": encoder("BertConfig", "AutoModelForMaskedLM", ["logits"], **TINY),
    "distilbert": encoder("DistilBertConfig", vocab_size=WORDS, dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=64),
    "roberta": encoder("RobertaConfig", **(TINY | {"pad_token_id": 1})),
    "xlm_roberta": encoder("XLMRobertaConfig", **(TINY | {"pad_token_id": 1})),
    "albert": encoder("AlbertConfig", embedding_size=16, **TINY),
    "electra": encoder("ElectraConfig", embedding_size=16, **TINY),
    "mobilebert": encoder(
        "MobileBertConfig", embedding_size=16, true_hidden_size=16, intra_bottleneck_size=16, num_feedforward_networks=2, **TINY
    ),
    "squeezebert": encoder("SqueezeBertConfig", embedding_size=32, **TINY),
    "mpnet": encoder("MPNetConfig", **(TINY | {"pad_token_id": 1})),
    "deberta": encoder(
        "DebertaConfig", relative_attention=True, pos_att_type=["c2p", "p2c"], position_biased_input=False, attention="eager", **TINY
    ),
    "deberta_v2": encoder(
        "DebertaV2Config",
        relative_attention=True,
        pos_att_type=["c2p", "p2c"],
        position_buckets=8,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        position_biased_input=False,
        attention="eager",
        **TINY,
    ),
    "camembert": encoder("CamembertConfig", **(TINY | {"pad_token_id": 1})),
    "ernie": encoder("ErnieConfig", **TINY),
    "funnel": encoder(
        "FunnelConfig",
        "FunnelModel",
        attention="eager",
        vocab_size=WORDS,
        d_model=32,
        n_head=4,
        d_head=8,
        d_inner=64,
        block_sizes=[1, 1],
        max_position_embeddings=64,
    ),
    "fnet": Network(
        lambda: Flat(
            build("FNetConfig", attention="eager", **{k: v for k, v in TINY.items() if k != "num_attention_heads"}), ["input_ids"]
        ),
        {"ids": ids(WORDS, "batch", "time")},
        SENTENCES,
    ),
    "longformer": encoder(
        "LongformerConfig", attention="eager", attention_window=4, **(TINY | {"pad_token_id": 1, "max_position_embeddings": 80})
    ),
    "roformer": encoder("RoFormerConfig", embedding_size=32, attention="eager", **TINY),
    "modernbert": encoder("ModernBertConfig", **TINY),
    "nystromformer": encoder(
        "NystromformerConfig",
        attention="eager",
        sentences=({"batch": 1, "time": 16}, {"batch": 3, "time": 16}),
        num_landmarks=4,
        segment_means_seq_len=16,
        **TINY,
    ),
    "convbert": encoder("ConvBertConfig", attention="eager", embedding_size=32, **TINY),
    "xlnet": encoder("XLNetConfig", attention="eager", vocab_size=WORDS, d_model=32, n_layer=2, n_head=4, d_inner=64),
    "esm": encoder("EsmConfig", attention="eager", position_embedding_type="rotary", **(TINY | {"pad_token_id": 1})),
    "layoutlm": encoder("LayoutLMConfig", **TINY),
    "canine": encoder(
        "CanineConfig",
        attention="eager",
        **{k: v for k, v in TINY.items() if k != "vocab_size"},
        downsampling_rate=2,
        num_hash_buckets=64,
        local_transformer_stride=8,
    ),
    "nomic_bert": encoder("NomicBertConfig", **TINY),
    "t5.encoder": encoder("T5Config", "T5EncoderModel", **T5),
    "gpt2": decoder("GPT2Config", **GPT2),
    "gpt_neo": decoder(
        "GPTNeoConfig",
        vocab_size=WORDS,
        hidden_size=32,
        num_layers=2,
        num_heads=4,
        attention_types=[[["global", "local"], 1]],
        window_size=4,
        max_position_embeddings=64,
        bos_token_id=1,
        eos_token_id=2,
    ),
    "gpt_neox": decoder("GPTNeoXConfig", **TINY),
    "gptj": decoder("GPTJConfig", attention="eager", rotary_dim=4, **GPT2),
    "llama": decoder("LlamaConfig", **GROUPED),
    "mistral": decoder("MistralConfig", sliding_window=8, **GROUPED),
    "qwen2": decoder("Qwen2Config", **GROUPED),
    "qwen3": decoder("Qwen3Config", **GROUPED),
    "phi": decoder("PhiConfig", partial_rotary_factor=0.5, **TINY),
    "phi3": decoder("Phi3Config", **(TINY | {"num_key_value_heads": 2})),
    "gemma": decoder("GemmaConfig", **GROUPED),
    "gemma2": decoder("Gemma2Config", attention="eager", sliding_window=8, **GROUPED),
    "gemma3": decoder("Gemma3TextConfig", sliding_window=8, **GROUPED),
    "opt": decoder("OPTConfig", ffn_dim=64, word_embed_proj_dim=16, **TINY),
    "bloom": decoder("BloomConfig", vocab_size=WORDS, hidden_size=32, n_layer=2, n_head=4),
    "falcon": decoder("FalconConfig", alibi=True, new_decoder_architecture=False, **TINY),
    "falcon.rotary": decoder("FalconConfig", new_decoder_architecture=True, num_kv_heads=2, **TINY),
    "mpt": decoder("MptConfig", attention="eager", vocab_size=WORDS, d_model=32, n_layers=2, n_heads=4, max_seq_len=32),
    "stablelm": decoder("StableLmConfig", **(TINY | {"num_key_value_heads": 2})),
    "olmo2": decoder("Olmo2Config", **(TINY | {"num_key_value_heads": 2})),
    "cohere": decoder("CohereConfig", **(TINY | {"num_key_value_heads": 2})),
    "granite": decoder("GraniteConfig", **GROUPED),
    "smollm3": decoder("SmolLM3Config", **GROUPED),
    "mixtral": decoder("MixtralConfig", num_local_experts=4, num_experts_per_tok=2, **GROUPED),
    "xglm": decoder("XGLMConfig", vocab_size=WORDS, d_model=32, ffn_dim=64, num_layers=2, attention_heads=4, max_position_embeddings=64),
    "mamba": decoder("MambaConfig", masked=False, vocab_size=WORDS, hidden_size=32, state_size=4, num_hidden_layers=2, conv_kernel=4),
    "rwkv": decoder(
        "RwkvConfig",
        masked=False,
        vocab_size=WORDS,
        hidden_size=32,
        num_hidden_layers=2,
        attention_hidden_size=32,
        intermediate_size=64,
        context_length=32,
    ),
    "gpt2.step": step("GPT2Config", **GPT2),
    "gpt2.step.eager": step("GPT2Config", attention="eager", **GPT2),
    "gpt_neox.step": step("GPTNeoXConfig", **TINY),
    "llama.step": step("LlamaConfig", heads=2, **GROUPED),
    "llama.steps": step("LlamaConfig", heads=2, words=3, **GROUPED),
    "qwen2.step": step("Qwen2Config", heads=2, attention="eager", **GROUPED),
    "phi.step": step("PhiConfig", **TINY),
    "gemma.step": step("GemmaConfig", heads=2, **GROUPED),
    "opt.step": step("OPTConfig", ffn_dim=64, word_embed_proj_dim=32, **TINY),
    "bloom.step": step("BloomConfig", attention="eager", vocab_size=WORDS, hidden_size=32, n_layer=2, n_head=4),
    "t5": translator("T5Config", **T5),
    "t5.decoder": half("T5Config", **T5),
    "mt5": translator("MT5Config", **T5),
    "bart": translator("BartConfig", **BART),
    "bart.decoder": half("BartConfig", **BART),
    "marian": translator("MarianConfig", **BART),
    "pegasus": translator("PegasusConfig", **BART),
    "m2m_100": translator("M2M100Config", **BART),
    "mbart": translator("MBartConfig", **BART),
    "blenderbot": translator("BlenderbotSmallConfig", **BART),
    "led": translator(
        "LEDConfig", attention="eager", attention_window=4, **{k: v for k, v in BART.items() if k != "max_position_embeddings"}
    ),
    "clip": clip("CLIPConfig", TINY, VISION),
    "siglip": clip("SiglipConfig", TINY | {"projection_size": 32}, VISION),
    "vit": seer("ViTConfig", **VISION),
    "vit.eager": seer("ViTConfig", attention="eager", **VISION),
    "deit": seer("DeiTConfig", **VISION),
    "beit": seer("BeitConfig", use_relative_position_bias=True, **VISION),
    "dinov2": seer("Dinov2Config", **VISION),
    "dinov2.registers": seer("Dinov2WithRegistersConfig", **VISION),
    "yolos": seer(
        "YolosConfig",
        "YolosForObjectDetection",
        keep=["logits", "pred_boxes"],
        **(VISION | {"image_size": [32, 32], "num_detection_tokens": 5}),
    ),
    "segformer": seer(
        "SegformerConfig",
        "SegformerForSemanticSegmentation",
        64,
        ["logits"],
        "eager",
        hidden_sizes=[8, 16, 24, 32],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 2, 3, 4],
        decoder_hidden_size=16,
    ),
    "dpt": seer(
        "DPTConfig",
        "DPTForDepthEstimation",
        32,
        ["predicted_depth"],
        fusion_hidden_size=16,
        neck_hidden_sizes=[8, 8, 16, 16],
        backbone_out_indices=[0, 1, 2, 3],
        **(VISION | {"num_hidden_layers": 4}),
    ),
    "swin": seer("SwinConfig", size=32, image_size=32, patch_size=2, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4),
    "swin2sr": seer(
        "Swin2SRConfig",
        "Swin2SRForImageSuperResolution",
        16,
        ["reconstruction"],
        "eager",
        image_size=16,
        patch_size=1,
        embed_dim=24,
        depths=[2],
        num_heads=[2],
        window_size=8,
        upscale=2,
    ),
    "mobilevit": seer(
        "MobileViTConfig",
        size=64,
        image_size=64,
        hidden_sizes=[16, 24, 32],
        neck_hidden_sizes=[8, 8, 16, 16, 24, 24, 32],
        num_attention_heads=2,
    ),
    "pvt": seer(
        "PvtConfig",
        size=64,
        attention="eager",
        image_size=64,
        hidden_sizes=[8, 16, 24, 32],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 2, 3, 4],
    ),
    "superpoint": seer(
        "SuperPointConfig",
        "SuperPointForKeypointDetection",
        size=32,
        attention="eager",
        channels=3,
        encoder_hidden_sizes=[8, 8, 16, 16],
        decoder_hidden_size=16,
        keypoint_decoder_dim=65,
        descriptor_decoder_dim=16,
    ),
    "vivit": Network(
        lambda: Flat(
            build("VivitConfig", tubelet_size=[2, 8, 8], num_frames=4, **{k: v for k, v in VISION.items() if k != "patch_size"}),
            ["pixel_values"],
        ),
        {"frames": real("batch", 4, 3, 32, 32)},
        ({"batch": 1}, {"batch": 2}),
    ),
    "detr": detr("DetrConfig", "DetrForObjectDetection"),
    "conditional_detr": detr("ConditionalDetrConfig", "ConditionalDetrForObjectDetection"),
    "table_transformer": detr("TableTransformerConfig", "TableTransformerForObjectDetection"),
    "deformable_detr": detr("DeformableDetrConfig", "DeformableDetrForObjectDetection", num_feature_levels=1),
    "whisper.encoder": Network(
        lambda: Flat(build("WhisperConfig", "WhisperModel", **WHISPER).encoder, ["input_features"]),
        {"mel": real("batch", 16, 48)},
        ({"batch": 1}, {"batch": 2}),
    ),
    "whisper": Network(
        lambda: Flat(
            build("WhisperConfig", "WhisperForConditionalGeneration", **WHISPER),
            ["input_features", "decoder_input_ids"],
            ["logits"],
            use_cache=False,
        ),
        {"mel": real("batch", 16, 48), "target": ids(WORDS, "batch", "said")},
        ({"batch": 1, "said": 4}, {"batch": 2, "said": 7}),
    ),
    "wav2vec2": listener("Wav2Vec2Config", "Wav2Vec2ForCTC", ["logits"], **SOUND),
    "hubert": listener("HubertConfig", **SOUND),
    "wavlm": listener("WavLMConfig", **SOUND),
    "sew": listener("SEWConfig", squeeze_factor=2, **SOUND),
    "unispeech": listener("UniSpeechConfig", keep=["last_hidden_state"], **SOUND),
    "data2vec_audio": listener("Data2VecAudioConfig", **SOUND),
    "ast": Network(
        lambda: Flat(
            build(
                "ASTConfig",
                "ASTForAudioClassification",
                max_length=48,
                num_mel_bins=16,
                patch_size=8,
                frequency_stride=4,
                time_stride=4,
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=4,
                intermediate_size=64,
            ),
            ["input_values"],
            ["logits"],
        ),
        {"mel": real("batch", 48, 16)},
        ({"batch": 1}, {"batch": 2}),
    ),
    "speech_to_text": Network(
        lambda: Flat(
            build(
                "Speech2TextConfig",
                "Speech2TextForConditionalGeneration",
                input_feat_per_channel=16,
                conv_channels=16,
                max_source_positions=64,
                max_target_positions=32,
                **{k: v for k, v in BART.items() if k != "max_position_embeddings"},
            ),
            ["input_features", "decoder_input_ids"],
            ["logits"],
            use_cache=False,
        ),
        {"mel": real("batch", "frames", 16), "target": ids(WORDS, "batch", "said")},
        ({"batch": 1, "frames": 40, "said": 4}, {"batch": 2, "frames": 56, "said": 7}),
    ),
    "moonshine": Network(
        lambda: Flat(
            build(
                "MoonshineConfig",
                "MoonshineForConditionalGeneration",
                vocab_size=WORDS,
                hidden_size=32,
                intermediate_size=64,
                encoder_num_hidden_layers=2,
                decoder_num_hidden_layers=2,
                encoder_num_attention_heads=4,
                decoder_num_attention_heads=4,
                max_position_embeddings=64,
            ),
            ["input_values", "decoder_input_ids"],
            ["logits"],
            use_cache=False,
        ),
        {"sound": real("batch", "samples"), "target": ids(WORDS, "batch", "said")},
        ({"batch": 1, "samples": 2000, "said": 4}, {"batch": 2, "samples": 3000, "said": 7}),
    ),
    "encodec": Network(
        lambda: Flat(
            build(
                "EncodecConfig",
                "EncodecModel",
                num_filters=4,
                hidden_size=16,
                codebook_size=16,
                codebook_dim=16,
                upsampling_ratios=[4, 2],
                num_lstm_layers=1,
                target_bandwidths=[24.0],
                sampling_rate=800,
            ).encoder,
            ["hidden_states"],
        ),
        {"sound": real("batch", 1, "samples")},
        ({"batch": 1, "samples": 160}, {"batch": 2, "samples": 240}),
    ),
    "univnet": Network(
        lambda: Flat(
            build(
                "UnivNetConfig",
                "UnivNetModel",
                model_in_channels=8,
                model_hidden_channels=8,
                num_mel_bins=16,
                kernel_predictor_hidden_channels=8,
            ),
            ["input_features", "noise_sequence"],
            ["waveforms"],
        ),
        {"mel": real("batch", 12, 16), "noise": real("batch", 12, 8)},
        ({"batch": 1}, {"batch": 2}),
    ),
    "vits.text": Network(
        lambda: Flat(
            build(
                "VitsConfig",
                "VitsModel",
                vocab_size=WORDS,
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                ffn_dim=64,
                flow_size=32,
            ).text_encoder,
            ["input_ids", "padding_mask"],
            ["last_hidden_state", "prior_means"],
        ),
        {"ids": ids(WORDS, "batch", "time"), "mask": positive("batch", "time", 1)},
        SENTENCES,
    ),
    "patchtst": Network(
        lambda: Flat(
            build("PatchTSTConfig", "PatchTSTForPrediction", num_hidden_layers=2, num_attention_heads=4, ffn_dim=64, **SERIES),
            ["past_values"],
            ["prediction_outputs"],
        ),
        {"past": real("batch", 16, 3)},
        ({"batch": 1}, {"batch": 3}),
    ),
    "patchtsmixer": Network(
        lambda: Flat(
            build("PatchTSMixerConfig", "PatchTSMixerForPrediction", num_layers=2, **SERIES), ["past_values"], ["prediction_outputs"]
        ),
        {"past": real("batch", 16, 3)},
        ({"batch": 1}, {"batch": 3}),
    ),
    "decision": Network(
        lambda: Flat(
            build(
                "DecisionTransformerConfig",
                "DecisionTransformerModel",
                state_dim=5,
                act_dim=2,
                hidden_size=32,
                max_ep_len=32,
                n_layer=2,
                n_head=4,
            ),
            ["states", "actions", "returns_to_go", "timesteps", "attention_mask"],
            ["state_preds", "action_preds", "return_preds"],
        ),
        {
            "states": real("batch", "time", 5),
            "actions": real("batch", "time", 2),
            "returns": real("batch", "time", 1),
            "steps": ids(32, "batch", "time"),
            "mask": mask("batch", "time"),
        },
        SENTENCES,
    ),
    "vilt": Network(
        lambda: Flat(build("ViltConfig", **(TINY | {"image_size": 32, "patch_size": 8})), ["input_ids", "pixel_values"]),
        {"ids": ids(WORDS, "batch", "time"), "pixels": real("batch", 3, 32, 32)},
        SENTENCES,
    ),
    "trocr": Network(
        lambda: Flat(
            build(
                "TrOCRConfig",
                "TrOCRForCausalLM",
                vocab_size=WORDS,
                d_model=32,
                decoder_layers=2,
                decoder_attention_heads=4,
                decoder_ffn_dim=64,
                cross_attention_hidden_size=32,
                is_decoder=True,
            ),
            ["input_ids", "encoder_hidden_states"],
            ["logits"],
            use_cache=False,
        ),
        {"target": ids(WORDS, "batch", "said"), "encoded": real("batch", "time", 32)},
        ({"batch": 1, "time": 9, "said": 5}, {"batch": 2, "time": 12, "said": 8}),
    ),
    "perceiver": Network(
        lambda: Flat(
            build(
                "PerceiverConfig",
                "PerceiverModel",
                d_model=32,
                d_latents=16,
                num_latents=6,
                num_self_attends_per_block=2,
                num_self_attention_heads=4,
                num_cross_attention_heads=4,
                qk_channels=16,
                v_channels=16,
            ),
            ["inputs"],
            ["last_hidden_state"],
        ),
        {"inputs": real("batch", "time", 32)},
        SENTENCES,
    ),
    "time_series": Network(
        lambda: Flat(build("TimesformerConfig", num_frames=2, **VISION), ["pixel_values"]),
        {"frames": real("batch", 2, 3, 32, 32)},
        ({"batch": 1}, {"batch": 2}),
    ),
}
NETWORKS = {f"hf.{name}": network for name, network in NETWORKS.items()}

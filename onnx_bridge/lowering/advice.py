"""Operators that no header can have, and what whoever has one in a model can do about it."""

from __future__ import annotations

from collections.abc import Mapping

_SEARCH = (
    "it is a whole search with a decoder inside it, whose turns and beams data decides",
    "convert the decoder, the graph in its attribute, and search in the program that calls it",
)
_PACKED = (
    "its rows have several lengths and no padding, which only onnxruntime's kernels for GPUs read",
    "optimise the model for a CPU, or without packing of sequences, and it has Attention or MultiHeadAttention instead",
)
_GPU = (
    "onnxruntime itself has it for GPUs alone, so that no header could be compared",
    "optimise or export the model for a CPU, and it has the operators that this one stands for",
)
_HASHES = (
    "it hashes words by tables of the model's tokenizer",
    "hash in the program, and make the result an input of the model",
)
_INNER = ("onnxruntime has it for its own use", "export the model with the operators of ONNX that it stands for")
_TRAINING = ("it is for training", "export the model for inference")
_TEXT = ("it works on text as a program does, by files or tables outside the model", "make its result an input of the model")

#: By domain and name: why, and what helps.
IMPOSSIBLE: Mapping[tuple[str, str], tuple[str, str]] = {
    **{("com.microsoft", name): _SEARCH for name in ("BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch")},
    **{("com.microsoft", name): _PACKED for name in (
        "PackedAttention", "PackedMultiHeadAttention", "PagedAttention", "SparsePagedAttention", "RemovePadding", "RestorePadding",
        "QOrderedAttention", "QOrderedGelu", "QOrderedLayerNormalization", "QOrderedLongformerAttention", "QOrderedMatMul",
    )},
    **{("com.microsoft", name): _GPU for name in (
        "ComplexMul", "ComplexMulConj", "DecoderAttention", "DequantizeBFP", "DequantizeWithOrder", "DynamicSparseAttention",
        "GatedDeltaNet", "GatedRelativePositionBias", "GemmFloat8", "GemmaRotaryEmbedding", "GroupNorm", "Irfft", "IsAllFinite",
        "LongformerAttention", "MatMulBlockQuantizedFp4Weight", "MatMulBlockQuantizedFp8Weight", "MatMulNBitsMlp", "MatMulNBitsQkv",
        "MulInteger", "NhwcFusedConv", "PackedSparseAttentionIndexer", "QLinearReduceMean", "QuantizeBFP", "QuantizeWithOrder",
        "ReduceSumInteger", "RelativePositionBias", "Rfft", "SkipGroupNorm", "SparseAttentionIndexer", "TorchEmbedding",
        "VarlenCausalConvWithState",
    )},
    **{("com.microsoft", name): _HASHES for name in ("NGramHashMapping", "VarlenNGramHashMapping")},
    **{("com.microsoft", name): _INNER for name in ("BifurcationDetector", "MaxpoolWithMask", "SampleOp")},
    ("com.microsoft", "MatMulFpQ4"): (
        "its weights lie as onnxruntime's kernels for one kind of processor want them", "quantise the model again, to MatMulNBits",
    ),
    ("com.microsoft", "SparseToDenseMatMul"): (
        "its left operand is a sparse tensor, which a header has none of", "make it dense, and use MatMul",
    ),
    **{("com.microsoft", name): _TRAINING for name in ("BitmaskBiasDropout", "BitmaskDropout")},
    ("com.microsoft", "DecoderMaskedMultiHeadAttention"): (
        "its keys lie in a buffer that past and present share", "export the model without past_present_share_buffer: MultiHeadAttention",
    ),
    ("com.microsoft", "DecoderMaskedSelfAttention"): (
        "its keys lie in a buffer that past and present share", "export the model without past_present_share_buffer: Attention",
    ),
    ("com.microsoft", "MurmurHash3"): ("it hashes text or bytes", "hash in the program, and make the result an input of the model"),
    ("com.microsoft", "Tokenizer"): _TEXT,
    ("com.microsoft", "EPContext"): (
        "it is code that one execution provider has compiled", "give the model as it was before it was compiled for that provider",
    ),
    ("com.microsoft", "Snpe"): (
        "it is code that one execution provider has compiled", "give the model as it was before it was compiled for that provider",
    ),
    ("", "ImageDecoder"): ("it decodes files of images", "decode in the program, and make the pixels an input of the model"),
}  # fmt: skip

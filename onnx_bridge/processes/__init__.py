"""Other processes: code that may die, hang or take all memory runs there, and is asked by messages."""

from onnx_bridge.processes.child import Child, Died
from onnx_bridge.processes.conversation import Conversation, most_memory, warm
from onnx_bridge.processes.files import handed_over

__all__ = ["Child", "Conversation", "Died", "handed_over", "most_memory", "warm"]

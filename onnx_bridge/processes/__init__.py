"""Other processes: code that may die, hang or take all memory runs there, and is asked by messages."""

from onnx_bridge.processes.child import Child, Died
from onnx_bridge.processes.conversation import Conversation, most_memory, warm

__all__ = ["Child", "Conversation", "Died", "most_memory", "warm"]

"""How long a generated project takes, estimated from its loops: no vendor tool has confirmed any of it."""

from __future__ import annotations

from levelone.hls.latency.estimate import Latency, LayerLatency, estimate

__all__ = ["Latency", "LayerLatency", "estimate"]

"""What the node counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

_PREFIX = "mri_denoise_"


class Counts:
    """The metrics of one node, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.received = self._counter("instances_received", "Instances stored in the spool")
        self.repeated = self._counter(
            "instances_repeated", "Instances that had come before; answered, not stored again"
        )
        self.refused = self._counter("instances_refused", "Instances refused", "reason")
        self.complete = self._counter("series_complete", "Series taken as complete")
        self.denoised = self._counter("series_denoised", "Series denoised")
        self.dead = self._counter("series_dead", "Series that became dead letters", "step")
        self.delivered = self._counter("series_delivered", "Series delivered", "destination")
        self.sent = self._counter("instances_delivered", "Instances that a destination has taken", "destination")
        self.failures = self._counter("delivery_failures", "Tries to deliver a series that failed", "destination")
        self.series = Gauge(f"{_PREFIX}series", "Series in the spool", ["state"], registry=self.registry)
        self.bytes = Gauge(
            f"{_PREFIX}spool_bytes", "Size of the spool with the results to come", registry=self.registry
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(_PREFIX + name, text, labels, registry=self.registry)

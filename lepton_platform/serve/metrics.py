"""What a monitoring system reads: requests, their time, cases, decisions, drift, and which run is served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lepton_platform.serve.service import Service

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Prometheus metrics of one server."""

    def __init__(self, service: Service) -> None:
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "lepton_requests", "Requests for decisions", ["application", "status"], registry=registry
        )
        self._seconds = Histogram(
            "lepton_request_seconds",
            "Time from request to answer, s",
            ["application"],
            buckets=SECONDS,
            registry=registry,
        )
        self._cases = Counter("lepton_cases", "Cases decided", ["application"], registry=registry)
        self._of = lru_cache(self._labelled)
        registry.register(_Served(service))

    def count(self, application: str, status: int, seconds: float, cases: int) -> None:
        """Count a request that was answered."""
        requests, time, decided = self._of(application, status)
        requests.inc()
        time.observe(seconds)
        decided.inc(cases)

    def _labelled(self, application: str, status: int) -> tuple[Counter, Histogram, Counter]:
        requests = self._requests.labels(application, str(status))
        return requests, self._seconds.labels(application), self._cases.labels(application)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _Served(Collector):
    """What the served runs know themselves, read when it is asked for."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[GaugeMetricFamily]:
        runs = GaugeMetricFamily("lepton_served_run", "The run that answers", labels=["application", "run"])
        drift = GaugeMetricFamily(
            "lepton_drift_psi",
            "Population stability index of a field against the training data",
            labels=["application", "field"],
        )
        decisions = GaugeMetricFamily(
            "lepton_decisions",
            "Decisions by kind since the run is served",
            labels=["application", "decision"],
        )
        for application, served in self._service.loaded().items():
            runs.add_metric([application, served.run.id], 1)
            for shift in served.drift.shifts():
                drift.add_metric([application, shift.field], shift.psi)
            counted: Mapping[str, int] = served.drift.decisions
            for decision, count in counted.items():
                decisions.add_metric([application, decision], count)
        yield from (runs, drift, decisions)

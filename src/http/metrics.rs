//! `/metrics`: how the service, the writer and the store are doing, in the text format of Prometheus.
//!
//! Everything is counted where it happens, in atomic numbers; here they are read and given their
//! names. Names and labels do not change. Nothing that a client chooses becomes a label.

use std::fmt;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text::{CONTENT_TYPE, encode};
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::answer::Answer;
use super::disk::Seen;
use super::problem::{Code, Problem};
use super::state::App;
use crate::{Distribution, Timestamp};

pub(super) async fn get(State(app): State<App>) -> Answer {
    let seen = app.disk.look(&app.catalog).await;
    let mut registry = Registry::with_prefix("coursecat");
    registry.register_collector(Box::new(Metrics { app, seen }));
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|_| {
        tracing::error!("the metrics cannot be written");
        Problem::new(Code::Internal, "The metrics cannot be written.")
    })?;
    let content_type = HeaderValue::from_static(CONTENT_TYPE);
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}

/// All metrics, as they are at one scrape.
struct Metrics {
    app: App,
    seen: Seen,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        self.service(&mut out)?;
        self.requests(&mut out)?;
        self.catalog(&mut out)?;
        self.writer(&mut out)?;
        self.store(&mut out)
    }
}

impl Metrics {
    fn service(&self, out: &mut Out<'_>) -> fmt::Result {
        let app = &self.app;
        out.family("build", "What is running.", MetricType::Info)?
            .encode_info(&[("version", env!("CARGO_PKG_VERSION"))])?;
        out.gauge(
            "start_time_seconds",
            "When the service began, in seconds since 1970.",
            seconds(app.started.time.as_micros()),
        )?;
        out.gauge(
            "uptime_seconds",
            "For how long the service has been running.",
            app.started.instant.elapsed().as_secs_f64(),
        )?;
        out.gauge(
            "http_connections",
            "Connections that are open.",
            *app.connections.borrow(),
        )?;
        out.gauge(
            "http_streams",
            "Clients that follow the change feed.",
            app.open_streams(),
        )
    }

    fn requests(&self, out: &mut Out<'_>) -> fmt::Result {
        let traffic = self.app.routes.traffic();
        let mut family = out.family(
            "http_requests",
            "Requests that were answered.",
            MetricType::Counter,
        )?;
        for (route, answered) in &traffic {
            for (status, count) in &answered.statuses {
                let status = status.to_string();
                let labels = [
                    ("route", *route),
                    ("method", answered.method),
                    ("status", &status),
                ];
                counter(family.encode_family(&labels)?, *count)?;
            }
        }
        let mut family = out.family(
            "http_request_duration_seconds",
            "How long requests took, from their head to that of the answer.",
            MetricType::Histogram,
        )?;
        for (route, answered) in &traffic {
            let labels = [("route", *route), ("method", answered.method)];
            let of_route = family.encode_family(&labels)?;
            histogram(of_route, &answered.nanos, NANOS_A_SECOND)?;
        }
        Ok(())
    }

    fn catalog(&self, out: &mut Out<'_>) -> fmt::Result {
        let snapshot = self.app.catalog.snapshot();
        let stats = snapshot.stats();
        let mut family = out.family("records", "Records in the catalog.", MetricType::Gauge)?;
        for (entity, count) in [
            ("organization", stats.organizations),
            ("catalog_course", stats.catalog_courses),
            ("course_run", stats.course_runs),
            ("reference", stats.references),
        ] {
            family
                .encode_family(&[("entity", entity)])?
                .encode_gauge(&count)?;
        }
        out.gauge(
            "feed_position",
            "The number of the newest change.",
            snapshot.latest_change(),
        )
    }

    fn writer(&self, out: &mut Out<'_>) -> fmt::Result {
        let stats = self.app.catalog.writer_stats();
        out.counter(
            "commits",
            "Commits to the store.",
            stats.commit_nanos.count(),
        )?;
        out.histogram(
            "commit_duration_seconds",
            "How long a commit took, to when it was on the disk.",
            &stats.commit_nanos,
            NANOS_A_SECOND,
        )?;
        out.histogram(
            "group_requests",
            "How many requests were committed and answered together.",
            &stats.group_requests,
            1.0,
        )?;
        out.gauge(
            "writer_queue_requests",
            "Requests that the writer has not answered.",
            stats.waiting,
        )?;
        out.counter(
            "store_errors",
            "Failures of the store: at a commit, at a sync, or when it was read or measured.",
            stats.store_errors,
        )?;
        out.gauge(
            "store_writable",
            "1 while writes are taken, 0 since a commit or a sync has failed.",
            u64::from(!stats.has_ended),
        )
    }

    /// What the disk has said, if it has.
    fn store(&self, out: &mut Out<'_>) -> fmt::Result {
        if let Some(bytes) = self.seen.bytes {
            out.gauge("store_size_bytes", "The size of the store's files.", bytes)?;
        }
        if let Some(time) = self.seen.last_backup {
            let age = Timestamp::now().as_micros() - time.as_micros();
            out.gauge(
                "last_backup_age_seconds",
                "How long ago the catalog was as the last backup has it.",
                seconds(age.max(0)),
            )?;
        }
        Ok(())
    }
}

/// Where metrics are written to. A counter gets `_total` behind its name.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn family(
        &mut self,
        name: &'static str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'_>, fmt::Error> {
        self.0.encode_descriptor(name, help, None, kind)
    }

    fn gauge(
        &mut self,
        name: &'static str,
        help: &str,
        value: impl EncodeGaugeValue,
    ) -> fmt::Result {
        let mut gauge = self.family(name, help, MetricType::Gauge)?;
        gauge.encode_gauge(&value)
    }

    fn counter(&mut self, name: &'static str, help: &str, value: u64) -> fmt::Result {
        counter(self.family(name, help, MetricType::Counter)?, value)
    }

    fn histogram(
        &mut self,
        name: &'static str,
        help: &str,
        values: &Distribution,
        one: f64,
    ) -> fmt::Result {
        let family = self.family(name, help, MetricType::Histogram)?;
        histogram(family, values, one)
    }
}

fn counter(mut encoder: MetricEncoder<'_>, value: u64) -> fmt::Result {
    encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)
}

/// Writes a histogram in a unit that so many of its values make.
fn histogram(mut encoder: MetricEncoder<'_>, values: &Distribution, one: f64) -> fmt::Result {
    let ranges = values.ranges.iter();
    let buckets: Vec<_> = ranges
        .map(|(bound, count)| (*bound as f64 / one, *count))
        .collect();
    let sum = values.sum as f64 / one;
    encoder.encode_histogram::<NoLabelSet>(sum, values.count(), &buckets, None)
}

const NANOS_A_SECOND: f64 = 1e9;

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

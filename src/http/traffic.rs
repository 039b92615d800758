//! What has been answered: how often, with which status, and how fast, for each route and method.
//!
//! To count an answer is three additions to atomic numbers. There are as many numbers as there are
//! routes, whatever clients ask for: never one for a path, and those of no route share theirs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{Method, StatusCode};

use crate::histogram::{Distribution, Histogram, NANOS};

/// The methods that are told apart. What else clients make up is the last one.
const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
];

/// The statuses that there are, in ascending order.
const STATUSES: [u16; 20] = [
    200, 201, 204, 303, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 429, 500,
    503,
];

/// What has been answered by one route.
pub(super) struct Traffic([OfMethod; METHODS.len()]);

struct OfMethod {
    statuses: [AtomicU64; STATUSES.len()],
    /// From the head of a request to the head of its answer.
    nanos: Histogram,
}

/// What has been answered by one route to one method.
pub(super) struct Answered {
    pub(super) method: &'static str,
    /// How often each status was.
    pub(super) statuses: Vec<(u16, u64)>,
    pub(super) nanos: Distribution,
}

impl Traffic {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| OfMethod {
            statuses: std::array::from_fn(|_| AtomicU64::new(0)),
            nanos: Histogram::new(NANOS),
        }))
    }

    /// Counts an answer.
    pub(super) fn count(&self, method: &Method, status: StatusCode, took: Duration) {
        let [known @ .., other] = &self.0;
        let place = METHODS.iter().position(|name| *name == method.as_str());
        let of_method = place.and_then(|place| known.get(place)).unwrap_or(other);
        if let Ok(place) = STATUSES.binary_search(&status.as_u16())
            && let Some(count) = of_method.statuses.get(place)
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        of_method.nanos.record(nanos);
    }

    /// What has been counted, without the methods that nobody has used.
    pub(super) fn read(&self) -> Vec<Answered> {
        let read = |(method, counts): (&&'static str, &OfMethod)| Answered {
            method,
            statuses: STATUSES
                .iter()
                .zip(&counts.statuses)
                .map(|(status, count)| (*status, count.load(Ordering::Relaxed)))
                .filter(|(_, count)| *count > 0)
                .collect(),
            nanos: counts.nanos.read(),
        };
        let all = METHODS.iter().zip(&self.0).map(read);
        all.filter(|answered| answered.nanos.count() > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::Code;
    use super::*;

    #[test]
    fn every_status_has_a_place() {
        assert!(STATUSES.is_sorted());
        for code in Code::ALL {
            let status = code.status().as_u16();
            assert!(STATUSES.contains(&status), "{status}");
        }
    }

    #[test]
    fn methods_that_nobody_knows_are_counted_together() {
        let traffic = Traffic::new();
        for method in ["GET", "BREW", "get", "other"] {
            let method = method.parse().unwrap();
            traffic.count(&method, StatusCode::NOT_FOUND, Duration::from_secs(1));
        }
        let read = traffic.read();
        let counted = read.iter().map(|answered| {
            assert_eq!(answered.statuses, [(404, answered.nanos.count())]);
            (answered.method, answered.nanos.count())
        });
        assert_eq!(counted.collect::<Vec<_>>(), [("GET", 1), ("other", 3)]);
    }
}

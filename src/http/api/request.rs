//! A request, and what is needed to answer it.

use custos_promql::{ErrorKind, Labels};
use custos_store::Snapshot;

use crate::config::JudgedCheck;
use crate::http::counters::Counters;
use crate::http::params::Params;
use crate::http::rules::ShownGroup;
use crate::http::stores::Stores;

/// A request that has come whole.
pub(in crate::http) struct Request<'a> {
    /// `GET`, `POST` or another method.
    pub(in crate::http) method: &'a str,
    /// The path, as it was sent.
    pub(in crate::http) path: &'a str,
    /// The header `Accept`.
    pub(in crate::http) accept: &'a str,
    pub(in crate::http) params: Params,
    /// The store as it was when the request came.
    pub(in crate::http) snapshot: &'a Snapshot,
    /// When the request came (ms since the epoch).
    pub(in crate::http) now_ms: i64,
    /// Whether whoever asks has gone, or waits no longer. It gets how long the request itself allows (ms).
    pub(in crate::http) interrupt: &'a (dyn Fn(Option<i64>) -> Option<ErrorKind> + Sync),
    /// Where the store is, by which its agent is found.
    pub(in crate::http) stores: &'a Stores,
    /// The name of this host; empty if none is known.
    pub(in crate::http) host: &'a str,
    /// What checks are judged by.
    pub(in crate::http) checks: &'a [JudgedCheck],
    /// The rules in force.
    pub(in crate::http) rules: &'a [ShownGroup],
    /// Labels of this host, for templates of rules.
    pub(in crate::http) host_labels: &'a Labels,
    /// Where the page of this host is, for templates of rules.
    pub(in crate::http) external_url: &'a str,
    /// What the server counted.
    pub(in crate::http) counters: &'a Counters,
}

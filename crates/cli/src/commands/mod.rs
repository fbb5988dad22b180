//! One file per verb: settings in, call, render.

mod apply;
mod audit;
mod azure;
mod azure_discover;
mod azure_jobs;
mod bypass;
mod check;
mod decode;
mod dispatch;
mod history;
mod init;
mod lab;
mod lint;
mod plan;
mod rehearse;
mod rehearse_report;
mod route;
mod run;
mod self_test;
mod show;
mod sid;
mod undo;

pub(crate) use dispatch::dispatch;

//! One file per verb: settings in, call, render.

mod bypass;
mod decode;
mod dispatch;
mod init;
mod plan;
mod rehearse;
mod rehearse_report;
mod route;
mod sid;

pub(crate) use dispatch::run;

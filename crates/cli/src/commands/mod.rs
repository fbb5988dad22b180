//! One file per verb: settings in, call, render.

mod apply;
mod bypass;
mod decode;
mod dispatch;
mod history;
mod init;
mod plan;
mod rehearse;
mod rehearse_report;
mod route;
mod show;
mod sid;
mod undo;

pub(crate) use dispatch::run;

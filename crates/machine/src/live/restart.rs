//! A service, stopped and started again.

use std::time::{Duration, Instant};
use std::{io, thread};

use windows_service::service::{Service, ServiceAccess, ServiceState};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_sys::Win32::Foundation::{ERROR_SERVICE_ALREADY_RUNNING, ERROR_SERVICE_NOT_ACTIVE};

use super::services::plain;
use crate::restart::{RestartError, Stage};

/// How long a service may take to stop, and to start: one that has to give up
/// what SQL Server does for it takes its time.
const PATIENCE: Duration = Duration::from_secs(300);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// Stops a service and starts it again; false where it did not run, and stays so.
/// Others may do either meanwhile, as its own recovery does: what counts is that
/// it stopped once and runs then.
pub fn restart_service(name: &str) -> Result<bool, RestartError> {
    let failed = |stage| {
        move |source: io::Error| RestartError {
            service: name.to_owned(),
            stage,
            source,
        }
    };
    let access = ServiceAccess::STOP | ServiceAccess::START | ServiceAccess::QUERY_STATUS;
    let service = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)
        .and_then(|manager| manager.open_service(name, access))
        .map_err(plain)
        .map_err(failed(Stage::Told))?;
    let before = process(&service).map_err(failed(Stage::Told))?;
    if before.0 == ServiceState::Stopped {
        return Ok(false);
    }
    let stopped = service.stop().map(drop).map_err(plain);
    unless(stopped, ERROR_SERVICE_NOT_ACTIVE).map_err(failed(Stage::Told))?;
    let is_another = |now: (ServiceState, Option<u32>)| now.1.is_some() && now.1 != before.1;
    wait(&service, |now| {
        now.0 == ServiceState::Stopped || is_another(now)
    })
    .map_err(failed(Stage::Stopping))?;
    let started = service.start::<&str>(&[]).map_err(plain);
    unless(started, ERROR_SERVICE_ALREADY_RUNNING).map_err(failed(Stage::Stopped))?;
    let now = wait(&service, |now| {
        matches!(now.0, ServiceState::Running | ServiceState::Stopped)
    })
    .map_err(failed(Stage::Starting))?;
    if now.0 == ServiceState::Stopped {
        return Err(failed(Stage::Stopped)(io::Error::other("it ended at once")));
    }
    Ok(true)
}

/// What is already as it shall be is no error.
fn unless(done: io::Result<()>, is_so: u32) -> io::Result<()> {
    match done {
        Err(error) if error.raw_os_error().map(i32::cast_unsigned) == Some(is_so) => Ok(()),
        done => done,
    }
}

/// What it does, and in which process.
fn process(service: &Service) -> io::Result<(ServiceState, Option<u32>)> {
    let status = service.query_status().map_err(plain)?;
    Ok((status.current_state, status.process_id))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the service manager tells nobody when it is done"
)]
fn wait(
    service: &Service,
    is_so: impl Fn((ServiceState, Option<u32>)) -> bool,
) -> io::Result<(ServiceState, Option<u32>)> {
    let begin = Instant::now();
    loop {
        let now = process(service)?;
        if is_so(now) {
            return Ok(now);
        }
        if begin.elapsed() >= PATIENCE {
            let source = io::ErrorKind::TimedOut;
            return Err(source.into());
        }
        thread::sleep(LOOK);
    }
}

//! A service, stopped and started again.

use std::time::{Duration, Instant};
use std::{io, thread};

use windows_service::service::{Service, ServiceAccess, ServiceState};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use super::services::plain;
use crate::restart::{RestartError, Stage};

/// How long a service may take to stop, and to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// Stops a service and starts it again. Where only stopping failed, it is as it was.
pub fn restart_service(name: &str) -> Result<(), RestartError> {
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
        .map_err(failed(Stage::Stop))?;
    service
        .stop()
        .map_err(plain)
        .and_then(|_| wait(&service, ServiceState::Stopped))
        .map_err(failed(Stage::Stop))?;
    service
        .start::<&str>(&[])
        .map_err(plain)
        .and_then(|()| wait(&service, ServiceState::Running))
        .map_err(failed(Stage::Start))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the service manager tells nobody when it is done"
)]
fn wait(service: &Service, wanted: ServiceState) -> io::Result<()> {
    let begin = Instant::now();
    while service.query_status().map_err(plain)?.current_state != wanted {
        if begin.elapsed() >= PATIENCE {
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

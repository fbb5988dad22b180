//! A service that is there for a self-test alone, its account and its settings.
//!
//! Whoever tests and the service speak by two values in the account's own
//! registry: both may write there, and nobody else.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use sidestep_model::account::{Account, Sid};
use sidestep_model::observed::{Observed, SettingsKey};
use sidestep_model::plan::Change;
use sidestep_model::registry::RegistryData;
use sidestep_model::self_test::SERVICE;
use windows_service::define_windows_service;
use windows_service::service::{
    ServiceAccess, ServiceControl, ServiceControlAccept, ServiceErrorControl, ServiceExitCode,
    ServiceInfo, ServiceStartType, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult};
use windows_service::service_dispatcher;
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_sys::Win32::Foundation::ERROR_SERVICE_DOES_NOT_EXIST;
use windows_sys::Win32::UI::Shell::DeleteProfileW;
use windows_sys::core::{BOOL, PCWSTR};

use super::folder;
use super::library::on_demand;
use super::registry::{LiveRegistry, Place, wide};
use super::services::plain;
use crate::reading::{self, PROFILES};
use crate::self_test::SelfTestError;
use crate::store::{Store, StoreError};

/// Below the account's root.
const EXCHANGE: &str = r"Software\SidestepSelfTest";
const QUESTION: &str = "Question";
const ANSWER: &str = "Answer";

/// Between two looks at what takes its time.
const LOOK: Duration = Duration::from_millis(100);
/// As long as the service manager waits for a service to start, or to stop.
const SERVICE_TIME: Duration = Duration::from_secs(30);
/// PowerShell starts in it.
const ANSWER_TIME: Duration = Duration::from_secs(120);

/// The service, installed and running, until it is removed.
#[derive(Debug)]
pub struct SelfTest {
    folder: PathBuf,
    process: u32,
    had_leftovers: bool,
}

impl SelfTest {
    /// Installs this program as the service, by `arguments`, and starts it. What
    /// an interrupted test left behind is removed first.
    pub fn start(arguments: &[&str]) -> Result<Self, SelfTestError> {
        let folder = self_test_folder()?;
        let above = folder.parent().unwrap_or(&folder).to_owned();
        let is_new = !folder.exists();
        let removed = [remove_service()?, remove_profile()?];
        let had_leftovers = removed.contains(&true) || !is_new;
        clear_exchange()?;
        folder::make_for_administrators(&above)?;
        // Nobody else's is taken away.
        folder::make_for_administrators(&folder)?;
        remove_folder(&folder)?;
        folder::make_for_administrators(&folder)?;
        let mut test = Self {
            folder,
            process: 0,
            had_leftovers,
        };
        match test.run(arguments) {
            Ok(process) => {
                test.process = process;
                Ok(test)
            }
            Err(error) => {
                // The first error counts; what stays is removed by the next test.
                drop(test.remove());
                Err(error)
            }
        }
    }

    fn run(&self, arguments: &[&str]) -> Result<u32, SelfTestError> {
        let program = self.program()?;
        let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)
            .map_err(failed("installed"))?;
        let info = ServiceInfo {
            name: SERVICE.into(),
            display_name: "Sidestep self-test (temporary)".into(),
            service_type: ServiceType::OWN_PROCESS,
            start_type: ServiceStartType::OnDemand,
            error_control: ServiceErrorControl::Normal,
            executable_path: program,
            launch_arguments: arguments.iter().map(OsString::from).collect(),
            dependencies: Vec::new(),
            account_name: Some(format!(r"NT SERVICE\{SERVICE}").into()),
            account_password: None,
        };
        let access = ServiceAccess::START | ServiceAccess::QUERY_STATUS;
        let service = manager
            .create_service(&info, access)
            .map_err(failed("installed"))?;
        service.start::<&str>(&[]).map_err(failed("started"))?;
        let begin = Instant::now();
        loop {
            let status = service.query_status().map_err(failed("asked"))?;
            if let (ServiceState::Running, Some(process)) =
                (status.current_state, status.process_id)
            {
                return Ok(process);
            }
            if begin.elapsed() >= SERVICE_TIME || status.current_state == ServiceState::Stopped {
                return Err(SelfTestError::Late("start"));
            }
            pause();
        }
    }

    /// A copy of this program that the service's account may read: whoever tests
    /// may have started it from a folder of their own.
    fn program(&self) -> Result<PathBuf, SelfTestError> {
        let to = self.folder.join("bin");
        folder::make_readable_by(&to, &Sid::of_service(SERVICE))?;
        let to = to.join("sidestep.exe");
        let copied = env::current_exe().and_then(|from| fs::copy(from, &to));
        copied.map_err(|source| StoreError::Write {
            path: to.clone(),
            source,
        })?;
        Ok(to)
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.process
    }

    /// Whether an earlier test had left something behind.
    #[must_use]
    pub fn had_leftovers(&self) -> bool {
        self.had_leftovers
    }

    /// The settings of its account, as the plugin's.
    #[must_use]
    pub fn settings(&self) -> Box<dyn Store> {
        Box::new(Settings {
            journals: self.folder.join("runs"),
        })
    }

    /// Asks it, and waits for what it says.
    pub fn ask(&self, question: &str) -> Result<String, SelfTestError> {
        let exchange = root().below(EXCHANGE);
        exchange.set(QUESTION, &RegistryData::Text(question.to_owned()))?;
        let begin = Instant::now();
        loop {
            if let Some(answer) = exchange.value(ANSWER)?.and_then(|answer| answer.text()) {
                return Ok(answer);
            }
            if begin.elapsed() >= ANSWER_TIME {
                return Err(SelfTestError::Late("answer"));
            }
            pause();
        }
    }

    /// Stops and removes it, with its account's profile and what was written for it.
    pub fn remove(self) -> Result<(), SelfTestError> {
        let cleared = clear_exchange();
        let service = remove_service();
        let profile = remove_profile();
        let folder = remove_folder(&self.folder);
        service?;
        profile?;
        folder?;
        Ok(cleared?)
    }
}

fn root() -> Place {
    Place::named(&format!(r"HKEY_USERS\{}", Sid::of_service(SERVICE)))
}

/// The key in which its software keeps settings.
fn software() -> String {
    format!(r"HKEY_USERS\{}\Software", Sid::of_service(SERVICE))
}

/// What was said is in the account's own registry, and goes with its profile
/// where the account has one.
fn clear_exchange() -> Result<(), StoreError> {
    let exchange = root().below(EXCHANGE);
    exchange.remove_value(QUESTION)?;
    exchange.remove_value(ANSWER)?;
    exchange.remove_if_empty()
}

fn self_test_folder() -> Result<PathBuf, StoreError> {
    let data = folder::program_data().map_err(|source| StoreError::JournalFolder {
        path: PathBuf::from("%ProgramData%"),
        source,
    })?;
    Ok(data.join("Sidestep").join("self-test"))
}

fn manager(access: ServiceManagerAccess) -> windows_service::Result<ServiceManager> {
    ServiceManager::local_computer(None::<&str>, access)
}

fn failed(doing: &'static str) -> impl Fn(windows_service::Error) -> SelfTestError {
    move |error| SelfTestError::Service {
        doing,
        source: plain(error),
    }
}

/// Whether there was one.
fn remove_service() -> Result<bool, SelfTestError> {
    let manager = manager(ServiceManagerAccess::CONNECT).map_err(failed("asked"))?;
    let access = ServiceAccess::STOP | ServiceAccess::QUERY_STATUS | ServiceAccess::DELETE;
    let is_gone = |error: &io::Error| {
        error.raw_os_error().map(i32::cast_unsigned) == Some(ERROR_SERVICE_DOES_NOT_EXIST)
    };
    let service = match manager.open_service(SERVICE, access).map_err(plain) {
        Ok(service) => service,
        Err(error) if is_gone(&error) => return Ok(false),
        Err(source) => {
            let doing = "opened";
            return Err(SelfTestError::Service { doing, source });
        }
    };
    // One that does not run cannot be stopped.
    drop(service.stop());
    let begin = Instant::now();
    while service
        .query_status()
        .is_ok_and(|status| status.current_state != ServiceState::Stopped)
    {
        if begin.elapsed() >= SERVICE_TIME {
            return Err(SelfTestError::Late("stop"));
        }
        pause();
    }
    service.delete().map_err(failed("deleted"))?;
    drop(service);
    let begin = Instant::now();
    while manager
        .open_service(SERVICE, ServiceAccess::QUERY_STATUS)
        .is_ok()
    {
        if begin.elapsed() >= SERVICE_TIME {
            return Err(SelfTestError::Late("go"));
        }
        pause();
    }
    Ok(true)
}

/// Whether there was one. Windows lets go of the account's registry some time
/// after the service ended.
#[expect(unsafe_code, reason = "Windows' own function")]
fn remove_profile() -> Result<bool, SelfTestError> {
    type Delete = unsafe extern "system" fn(PCWSTR, PCWSTR, PCWSTR) -> BOOL;
    let doing = "rid of its profile";
    let sid = Sid::of_service(SERVICE);
    let profile = Place::named(PROFILES).below(sid.as_str());
    if !profile.is_there()? {
        return Ok(false);
    }
    let delete = on_demand!("userenv.dll", DeleteProfileW: Delete)
        .map_err(|source| SelfTestError::Service { doing, source })?;
    let text = wide(sid.as_str());
    let begin = Instant::now();
    loop {
        // SAFETY: `text` ends with a NUL; no folder means the profile's own, and
        // no name this computer.
        let done = unsafe { delete(text.as_ptr(), std::ptr::null(), std::ptr::null()) };
        let source = io::Error::last_os_error();
        if done != 0 || !profile.is_there()? {
            return Ok(true);
        }
        if begin.elapsed() >= SERVICE_TIME {
            return Err(SelfTestError::Service { doing, source });
        }
        pause();
    }
}

/// A program's file stays as long as its process does, a moment longer than the
/// service.
fn remove_folder(folder: &Path) -> Result<(), StoreError> {
    let begin = Instant::now();
    loop {
        match fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) if begin.elapsed() >= SERVICE_TIME => {
                let path = folder.to_owned();
                return Err(StoreError::Write { path, source });
            }
            Err(_) => pause(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the service manager and the registry tell nobody when they are done"
)]
fn pause() {
    thread::sleep(LOOK);
}

/// The settings of the service's account.
#[derive(Debug)]
struct Settings {
    journals: PathBuf,
}

impl Store for Settings {
    fn read(&self) -> Result<Observed, StoreError> {
        Ok(Observed {
            plugin: reading::account(&LiveRegistry, &root().name())?,
            ..reading::machine(&LiveRegistry)?
        })
    }

    fn write(&mut self, account: Account, change: &Change) -> Result<(), StoreError> {
        super::write_below(&root(), &software(), account, change)
    }

    fn remove_empty_key(&mut self, _account: Account, key: SettingsKey) -> Result<(), StoreError> {
        Place::named(&key.below(&software())).remove_if_empty()
    }

    fn journal_folder(&self) -> PathBuf {
        self.journals.clone()
    }

    fn make_journal_folder(&self) -> Result<(), StoreError> {
        folder::make_for_administrators(&self.journals)
    }

    fn place(&self) -> String {
        format!(r"NT SERVICE\{SERVICE}")
    }
}

/// What the service does with a question.
type Answering = fn(&str) -> String;

static ANSWERING: OnceLock<Answering> = OnceLock::new();

/// Serves as that service until it is stopped; only the service manager starts it.
pub fn serve_self_test(answer: Answering) -> io::Result<()> {
    // It is called once in a process.
    let _ = ANSWERING.set(answer);
    service_dispatcher::start(SERVICE, service_entry).map_err(plain)
}

define_windows_service!(service_entry, service_main);

fn service_main(_arguments: Vec<OsString>) {
    // There is nobody to tell; whoever tests waits for an answer in vain.
    drop(serve());
}

fn serve() -> windows_service::Result<()> {
    let (stop, stopped) = mpsc::channel();
    let handle = service_control_handler::register(SERVICE, move |control| match control {
        ServiceControl::Stop => {
            // Nobody listens any more once it ends.
            let _ = stop.send(());
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    })?;
    let status = |state, accepted| ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: accepted,
        exit_code: ServiceExitCode::Win32(0),
        checkpoint: 0,
        wait_hint: Duration::ZERO,
        process_id: None,
    };
    handle.set_service_status(status(ServiceState::Running, ServiceControlAccept::STOP))?;
    answer_once(&stopped);
    handle.set_service_status(status(ServiceState::Stopped, ServiceControlAccept::empty()))
}

/// Waits for the question, answers it, and stays until it is stopped.
fn answer_once(stopped: &Receiver<()>) {
    let exchange = root().below(EXCHANGE);
    let begin = Instant::now();
    // One that nobody asks or stops is a leftover, and ends by itself.
    while stopped.recv_timeout(LOOK).is_err() && begin.elapsed() < 2 * ANSWER_TIME {
        let question = exchange.value(QUESTION).ok().flatten();
        let Some(question) = question.and_then(|question| question.text()) else {
            continue;
        };
        let Some(answer) = ANSWERING.get() else {
            return;
        };
        let answer = answer(&question);
        // What cannot be written is waited for in vain.
        drop(exchange.set(ANSWER, &RegistryData::Text(answer)));
        let _ = stopped.recv_timeout(ANSWER_TIME);
        return;
    }
}

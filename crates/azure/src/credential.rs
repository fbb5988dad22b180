//! Signing in.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, Secret, TokenCredential};
use azure_core::error::{Error as CoreError, ErrorKind};
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RetryOptions, Transport};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use crate::client::Pace;
use crate::cloud::Endpoints;
use crate::error::AzureError;
use crate::wire::{Lost, Rejected, Wire};

/// What Sidestep signs in with. The secret is never shown.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The virtual machine's own identity, or one that was assigned to it.
    ManagedIdentity {
        /// The assigned identity's client id; `None` for the machine's own.
        client_id: Option<String>,
    },
    /// Whoever is signed in with `az login`.
    AzureCli,
    /// A federated token, as in Kubernetes, named by `AZURE_TENANT_ID`,
    /// `AZURE_CLIENT_ID` and `AZURE_FEDERATED_TOKEN_FILE`.
    WorkloadIdentity,
    /// An application and its secret.
    ClientSecret {
        /// The tenant, as a GUID or a domain.
        tenant: String,
        /// The application's client id.
        client_id: String,
        /// Its secret.
        secret: SecretString,
    },
}

impl Credential {
    /// What the environment's variables name; `None` where they name nothing, so
    /// that the machine's identity or the Azure CLI is left to try.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let value = |name: &str| variable(name).filter(|value| !value.is_empty());
        let tenant = value("AZURE_TENANT_ID")?;
        let client_id = value("AZURE_CLIENT_ID")?;
        if let Some(secret) = value("AZURE_CLIENT_SECRET") {
            return Some(Self::ClientSecret {
                tenant,
                client_id,
                secret: secret.into(),
            });
        }
        value("AZURE_FEDERATED_TOKEN_FILE").map(|_| Self::WorkloadIdentity)
    }

    /// What it is called in a sentence.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ManagedIdentity { .. } => "managed identity",
            Self::AzureCli => "the Azure CLI",
            Self::WorkloadIdentity => "workload identity",
            Self::ClientSecret { .. } => "client secret",
        }
    }
}

/// Hands out tokens for ARM.
pub(crate) struct SignIn {
    credential: Credential,
    tenant: Option<String>,
    options: ClientOptions,
    host: &'static str,
    scope: &'static str,
    route: String,
    deadline: Duration,
    held: Mutex<Held>,
}

struct Held {
    source: Arc<dyn TokenCredential>,
    /// The Azure CLI is started anew for each token, so they are kept here.
    token: Option<AccessToken>,
}

/// A token is not used in its last minutes: a request may wait in a queue.
const SPARE: azure_core::time::Duration = azure_core::time::Duration::minutes(5);

impl SignIn {
    pub(crate) fn new(
        credential: Credential,
        tenant: Option<&str>,
        endpoints: &Endpoints,
        route: String,
        wire: Wire,
        pace: &Pace,
    ) -> Result<Self, AzureError> {
        let options = client_options(endpoints, wire, pace.floor);
        let source = source(&credential, tenant, options.clone()).map_err(|error| {
            AzureError::NoCredential {
                credential: credential.name(),
                detail: shown(&error),
            }
        })?;
        Ok(Self {
            credential,
            tenant: tenant.map(str::to_owned),
            options,
            host: endpoints.authority,
            scope: endpoints.scope,
            route,
            deadline: pace.request,
            held: Mutex::new(Held {
                source,
                token: None,
            }),
        })
    }

    /// A token that is good for some minutes more.
    pub(crate) async fn token(&self) -> Result<Secret, AzureError> {
        let mut held = self.held.lock().await;
        let now = azure_core::time::OffsetDateTime::now_utc();
        let is_good = |token: &&AccessToken| token.expires_on > now + SPARE;
        if let Some(token) = held.token.as_ref().filter(is_good) {
            return Ok(token.token.clone());
        }
        let scopes = [self.scope];
        let asking = held.source.get_token(&scopes, None);
        let token = match tokio::time::timeout(self.deadline, asking).await {
            Ok(Ok(token)) => token,
            Ok(Err(error)) => return Err(self.told_apart(&error)),
            Err(_) => return Err(self.unreachable("no answer in time".to_owned())),
        };
        let secret = token.token.clone();
        held.token = Some(token);
        Ok(secret)
    }

    /// Forgets the token that ARM would not take. `azure_identity` keeps tokens
    /// too and forgets none before its time, so its credential is replaced.
    pub(crate) async fn forget(&self) {
        let mut held = self.held.lock().await;
        held.token = None;
        let (credential, tenant) = (&self.credential, self.tenant.as_deref());
        if let Ok(source) = source(credential, tenant, self.options.clone()) {
            held.source = source;
        }
    }

    fn unreachable(&self, detail: String) -> AzureError {
        AzureError::SignInUnreachable {
            host: self.host.to_owned(),
            route: self.route.clone(),
            detail,
        }
    }

    /// None there, rejected, or not reachable: each is mended elsewhere.
    fn told_apart(&self, error: &CoreError) -> AzureError {
        let credential = self.credential.name();
        let is_machine = matches!(self.credential, Credential::ManagedIdentity { .. });
        let detail = self.without_secret(shown(error));
        if let Some(lost) = cause::<Lost>(error) {
            return if is_machine {
                AzureError::NoCredential {
                    credential,
                    detail: lost.detail.clone(),
                }
            } else {
                self.unreachable(lost.detail.clone())
            };
        }
        if let Some(rejected) = cause::<Rejected>(error) {
            let line = rejected.error_description.lines().next();
            let detail = self.without_secret(line.unwrap_or_default().to_owned());
            return AzureError::SignInRejected {
                credential,
                code: entra_code(&detail),
                detail,
            };
        }
        if let Some(status) = status(error) {
            // As where no identity was assigned to the machine.
            return if is_machine {
                AzureError::NoCredential { credential, detail }
            } else {
                self.unreachable(format!("it answered {status}"))
            };
        }
        if matches!(self.credential, Credential::AzureCli) {
            return match entra_code(&detail) {
                Some(code) => AzureError::SignInRejected {
                    credential,
                    code: Some(code),
                    detail,
                },
                None => AzureError::NoCredential { credential, detail },
            };
        }
        if has_kind(error, &ErrorKind::DataConversion) {
            // A proxy's sign-in page, say. Its text is of no use to anybody.
            return self.unreachable("the answer is not the sign-in service's".to_owned());
        }
        AzureError::NoCredential { credential, detail }
    }

    fn without_secret(&self, text: String) -> String {
        match &self.credential {
            Credential::ClientSecret { secret, .. } => text.replace(secret.expose_secret(), "***"),
            _ => text,
        }
    }
}

fn client_options(endpoints: &Endpoints, wire: Wire, pause: Duration) -> ClientOptions {
    let mut cloud = CustomConfiguration::default();
    cloud.authority_host = format!("https://{}", endpoints.authority);
    // Asking for a token twice does no harm; waiting for ever does.
    let retry = ExponentialRetryOptions {
        initial_delay: pause
            .try_into()
            .unwrap_or(azure_core::time::Duration::SECOND),
        max_retries: 2,
        max_total_elapsed: azure_core::time::Duration::seconds(20),
        ..ExponentialRetryOptions::default()
    };
    ClientOptions {
        retry: RetryOptions::exponential(retry),
        transport: Some(Transport::new(Arc::new(wire))),
        cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
        ..ClientOptions::default()
    }
}

fn source(
    credential: &Credential,
    tenant: Option<&str>,
    client_options: ClientOptions,
) -> azure_core::Result<Arc<dyn TokenCredential>> {
    Ok(match credential {
        Credential::ManagedIdentity { client_id } => {
            ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                client_options,
            }))?
        }
        Credential::AzureCli => AzureCliCredential::new(Some(AzureCliCredentialOptions {
            tenant_id: tenant.map(str::to_owned),
            ..AzureCliCredentialOptions::default()
        }))?,
        Credential::WorkloadIdentity => {
            WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                credential_options: ClientAssertionCredentialOptions { client_options },
                tenant_id: tenant.map(str::to_owned),
                ..WorkloadIdentityCredentialOptions::default()
            }))?
        }
        Credential::ClientSecret {
            tenant,
            client_id,
            secret,
        } => ClientSecretCredential::new(
            tenant,
            client_id.clone(),
            Secret::new(secret.expose_secret().to_owned()),
            Some(ClientSecretCredentialOptions { client_options }),
        )?,
    })
}

/// The errors in the chain, the outermost first.
fn chain(error: &CoreError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn cause<T: StdError + 'static>(error: &CoreError) -> Option<&T> {
    chain(error).find_map(|error| error.downcast_ref())
}

fn status(error: &CoreError) -> Option<u16> {
    chain(error)
        .filter_map(|error| error.downcast_ref::<CoreError>())
        .find_map(CoreError::http_status)
        .map(u16::from)
}

fn has_kind(error: &CoreError, kind: &ErrorKind) -> bool {
    chain(error)
        .filter_map(|error| error.downcast_ref::<CoreError>())
        .any(|error| error.kind() == kind)
}

/// The first line of the innermost sentence of `azure_identity`'s own: what is
/// around it names its types and pages, what is inside may quote the answer.
fn shown(error: &CoreError) -> String {
    let innermost = chain(error)
        .filter_map(|error| error.downcast_ref::<CoreError>())
        .last()
        .map(ToString::to_string)
        .unwrap_or_default();
    let line = innermost.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or_default().trim().to_owned()
}

/// `AADSTS` and its number.
fn entra_code(text: &str) -> Option<String> {
    let start = text.find("AADSTS")?;
    let code: String = text[start..]
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    (code.len() > "AADSTS".len()).then_some(code)
}

//! How Sidestep itself reaches Azure: what it signs in with, and by which way.

use sidestep_azure::{Azure, Credential, Options, OwnProxy, Pace, machine};
use sidestep_flow::refusal;
use sidestep_model::finding::Finding;
use sidestep_model::network::Network;
use sidestep_model::site::Site;

use crate::args::CredentialChoice;
use crate::error::CommandError;
use crate::output::Printer;

/// The real Azure, for whoever runs this.
pub(crate) async fn azure(
    site: &Site,
    choice: Option<CredentialChoice>,
    printer: Printer,
) -> Result<Azure, CommandError> {
    let variable = |name: &str| std::env::var(name).ok();
    let credential = credential(choice, variable).await?;
    let name = credential.name();
    let options = Options {
        cloud: site.azure.cloud,
        tenant: site.azure.tenant.clone(),
        network: Network::default(),
        credential,
        proxy: OwnProxy::from_variables(variable),
        pace: Pace::default(),
    };
    let azure = Azure::connect(options).map_err(|error| CommandError::finding(&told(error)))?;
    printer.note(&format!(
        "Azure: {} {}, signing in by {name}",
        site.azure.cloud,
        azure.own_route()
    ));
    Ok(azure)
}

fn told(error: sidestep_azure::AzureError) -> Finding {
    refusal(error).into()
}

/// What was asked for; else what the environment holds; else the machine's
/// identity, where this is a machine in Azure; else who is signed in to `az`.
async fn credential(
    choice: Option<CredentialChoice>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Credential, CommandError> {
    let client_id = variable("AZURE_CLIENT_ID");
    match choice {
        Some(CredentialChoice::ManagedIdentity) => Ok(Credential::ManagedIdentity { client_id }),
        Some(CredentialChoice::AzureCli) => Ok(Credential::AzureCli),
        Some(CredentialChoice::WorkloadIdentity) => Ok(Credential::WorkloadIdentity),
        Some(CredentialChoice::ClientSecret) => Credential::from_variables(variable)
            .filter(|credential| matches!(credential, Credential::ClientSecret { .. }))
            .ok_or_else(|| {
                CommandError::usage("a client secret is asked for and not there")
                    .hint("set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET")
            }),
        None => match Credential::from_variables(variable) {
            Some(credential) => Ok(credential),
            None if machine(&Network::default()).await.is_ok() => {
                Ok(Credential::ManagedIdentity { client_id: None })
            }
            None => Ok(Credential::AzureCli),
        },
    }
}

//! Where each cloud is managed and signed in to.

use sidestep_model::catalogue::Cloud;

/// The addresses of a cloud's control plane.
///
/// Source: `sdk/commerce/arm-commerce/src/static-helpers/cloudSettingHelpers.ts`
/// in Azure/azure-sdk-for-js for ARM; for the sign-in hosts, the same documents
/// that the catalogue names.
pub(crate) struct Endpoints {
    /// ARM's host name.
    pub(crate) management: &'static str,
    /// The host that issues tokens.
    pub(crate) authority: &'static str,
    /// What a token for ARM is asked for.
    pub(crate) scope: &'static str,
}

pub(crate) fn endpoints(cloud: Cloud) -> Endpoints {
    match cloud {
        Cloud::AzureCloud => Endpoints {
            management: "management.azure.com",
            authority: "login.microsoftonline.com",
            scope: "https://management.azure.com/.default",
        },
        Cloud::AzureUsGovernment => Endpoints {
            management: "management.usgovcloudapi.net",
            authority: "login.microsoftonline.us",
            scope: "https://management.usgovcloudapi.net/.default",
        },
        Cloud::AzureChinaCloud => Endpoints {
            management: "management.chinacloudapi.cn",
            authority: "login.partner.microsoftonline.cn",
            scope: "https://management.chinacloudapi.cn/.default",
        },
    }
}

#[cfg(test)]
mod tests {
    use sidestep_model::catalogue::{Catalogue, Service};

    use super::*;

    #[test]
    fn the_catalogue_knows_every_host() {
        for cloud in Cloud::ALL {
            let endpoints = endpoints(*cloud);
            let catalogue = Catalogue::of(*cloud);
            assert_eq!(
                catalogue.service_of(endpoints.management),
                Some(Service::Management),
                "{cloud}"
            );
            assert_eq!(
                catalogue.service_of(endpoints.authority),
                Some(Service::Entra),
                "{cloud}"
            );
        }
    }
}

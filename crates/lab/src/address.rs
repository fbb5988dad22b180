//! The plan of names and addresses: ordinary ones, as the site's own network has them.

use std::net::Ipv4Addr;

use crate::record::Service;
use crate::setup::{Fault, Setup};

/// The guest.
pub(crate) const MACHINE: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 10);
/// Where the metadata service answers, on every Azure machine.
pub(crate) const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// The proxy, where the site gives it a name.
const NAMED_PROXY: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 16);
/// The server that WPAD names.
pub(crate) const WPAD: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 17);
/// The machine's DNS suffix, which automatic detection looks below.
pub(crate) const WPAD_NAME: &str = "wpad.corp.example";
/// Device registration, which Windows does as SYSTEM; public cloud only.
pub(crate) const DEVICE_REGISTRATION: &str = "enterpriseregistration.windows.net";

/// The vault's number in the names of its private endpoint.
const VAULT_NUMBER: &str = "4611686018427387904";

/// The names that the extension contacts.
#[derive(Clone, Debug)]
pub struct Names {
    /// Gives tokens.
    pub entra: String,
    /// Takes the coordinator's calls.
    pub coordinator: String,
    /// Takes the plugin's calls.
    pub protection: String,
    /// Holds the coordinator's orders.
    pub queue: String,
    /// Takes the plugin's data.
    pub blob: String,
}

/// One name and where it leads on both sides.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) service: Service,
    /// The alias that the name resolves to inside the private network.
    pub(crate) private_alias: Option<String>,
    pub(crate) private: Option<Ipv4Addr>,
    pub(crate) public: Option<Ipv4Addr>,
}

/// Who asks for a name, or sends to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// The guest, inside the private endpoint's network.
    Machine,
    /// The proxy.
    Proxy,
}

/// The whole plan.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) names: Names,
    pub(crate) hosts: Vec<Host>,
    pub(crate) proxy: Ipv4Addr,
    proxy_sees_endpoint: bool,
}

impl Plan {
    pub(crate) fn new(setup: &Setup) -> Self {
        let cloud = setup.cloud;
        let geo = &setup.geo_code;
        let backup = |label: &str| {
            let suffix = cloud.backup_suffix();
            format!("{VAULT_NUMBER}-ab-pod01-{label}.privatelink.{geo}.{suffix}")
        };
        let storage = |account: &str, kind: &str| {
            format!("abcdeypod01{account}.{kind}.{}", cloud.storage_suffix())
        };
        let names = Names {
            entra: cloud.login_host().to_owned(),
            coordinator: backup("wbcm1"),
            protection: backup("prot1"),
            queue: storage("ecs114", "queue"),
            blob: storage("prot120", "blob"),
        };
        let mut hosts = Vec::new();
        for (name, last) in [(&names.coordinator, 36), (&names.protection, 37)] {
            hosts.push(Host {
                name: name.clone(),
                service: Service::Backup,
                private_alias: None,
                private: Some(Ipv4Addr::new(10, 1, 0, last)),
                public: None,
            });
            hosts.push(Host {
                name: public_form(name),
                service: Service::Backup,
                private_alias: None,
                private: None,
                public: Some(Ipv4Addr::new(203, 0, 113, last)),
            });
        }
        for (name, service, last) in [
            (&names.queue, Service::Queue, 44),
            (&names.blob, Service::Blob, 45),
        ] {
            hosts.push(Host {
                name: name.clone(),
                service,
                private_alias: name
                    .split_once('.')
                    .map(|(account, rest)| format!("{account}.privatelink.{rest}")),
                private: Some(Ipv4Addr::new(10, 1, 0, last)),
                public: Some(Ipv4Addr::new(203, 0, 113, last)),
            });
        }
        let mut entra = vec![names.entra.clone()];
        if cloud == crate::setup::Cloud::AzureCloud {
            entra.push(DEVICE_REGISTRATION.to_owned());
        }
        hosts.extend(entra.into_iter().zip(10..).map(|(name, last)| Host {
            name,
            service: Service::Entra,
            private_alias: None,
            private: None,
            public: Some(Ipv4Addr::new(198, 51, 100, last)),
        }));
        let mut plan = Self {
            names,
            hosts,
            proxy: setup.proxy.host.parse().unwrap_or(NAMED_PROXY),
            proxy_sees_endpoint: setup.has(Fault::ProxyReachesEndpoint),
        };
        plan.add_private(&setup.proxy.host, plan.proxy);
        if setup.has(Fault::AutoDetectOn) {
            plan.add_private(WPAD_NAME, WPAD);
        }
        plan
    }

    /// Whether the proxy can stand beside everything else.
    pub(crate) fn has_room_for(&self, proxy: &str) -> bool {
        let taken = |host: &Host| {
            host.service != Service::Other
                && (host.name.eq_ignore_ascii_case(proxy)
                    || [host.private, host.public].contains(&Some(self.proxy)))
        };
        let reserved = [MACHINE, METADATA, WPAD].contains(&self.proxy);
        !reserved && !proxy.contains(':') && !self.hosts.iter().any(taken)
    }

    /// What `name` resolves to for `view`: an alias, if there is one on the way, and the address.
    pub(crate) fn resolve(&self, name: &str, view: View) -> Option<(Option<&str>, Ipv4Addr)> {
        let name = name.trim_end_matches('.');
        let private = self.sees_endpoint(view);
        self.hosts.iter().find_map(|host| {
            let alias = host.private_alias.as_deref();
            let address = if private {
                host.private.or(host.public)
            } else {
                host.public
            };
            if host.name.eq_ignore_ascii_case(name) {
                Some((alias.filter(|_| private), address?))
            } else if private && alias.is_some_and(|alias| alias.eq_ignore_ascii_case(name)) {
                Some((None, address?))
            } else {
                None
            }
        })
    }

    /// Whether `view` is inside the private endpoint's network.
    pub(crate) fn sees_endpoint(&self, view: View) -> bool {
        view == View::Machine || self.proxy_sees_endpoint
    }

    /// The service behind a name, for the proxy's records.
    pub(crate) fn service_of(&self, name: &str) -> Service {
        if name == METADATA.to_string() {
            return Service::Platform;
        }
        self.hosts
            .iter()
            .find(|host| host.name.eq_ignore_ascii_case(name))
            .map_or(Service::Other, |host| host.service)
    }

    fn add_private(&mut self, name: &str, address: Ipv4Addr) {
        self.hosts.push(Host {
            name: name.to_owned(),
            service: Service::Other,
            private_alias: None,
            private: Some(address),
            public: None,
        });
    }
}

/// The name that a Backup service has without a private endpoint; the extension
/// falls back to it.
pub(crate) fn public_form(name: &str) -> String {
    name.replacen(".privatelink.", ".", 1)
}

//! The plan of names and addresses: ordinary ones, as the site's own network has them.

use std::net::Ipv4Addr;

use crate::record::Service;
use crate::setup::{Cloud, Fault, Setup};

/// The guest.
pub(crate) const MACHINE: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 10);
/// Where the metadata service answers, on every Azure machine.
pub(crate) const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// Where Azure Resource Manager answers.
pub(crate) const MANAGEMENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 50);
/// The private endpoint's subnet.
pub(crate) const SUBNET: &str = "10.1.0.32/27";
/// The proxy, where the site gives it a name.
const NAMED_PROXY: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 16);
/// The server that WPAD names.
pub(crate) const WPAD: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 17);
/// The machine's DNS suffix, which automatic detection looks below.
pub(crate) const WPAD_NAME: &str = "wpad.corp.example";
/// Device registration, which Windows does as SYSTEM; public cloud only.
pub(crate) const DEVICE_REGISTRATION: &str = "enterpriseregistration.windows.net";

/// The vault's number in the names of its private endpoint.
pub(crate) const VAULT_NUMBER: &str = "4611686018427387904";

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

/// When a private endpoint gets an address for a name ("Create and use private
/// endpoints", MicrosoftDocs/azure-docs): storage accounts are allocated late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Allocated {
    /// When the endpoint is created.
    Created,
    /// When a registration is first tried: the communication channel.
    Registered,
    /// When a backup is first tried: the data accounts.
    BackedUp,
}

/// What a name is inside the private network.
#[derive(Clone, Debug)]
pub(crate) struct Private {
    /// The record's full name, in a `privatelink` zone.
    pub(crate) record: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) allocated: Allocated,
}

/// One name and where it leads on both sides.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) service: Service,
    pub(crate) private: Option<Private>,
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
    pub(crate) management: String,
    /// The endpoint's zones, Backup's first ("privateLinkResources").
    pub(crate) zones: [String; 3],
    proxy_sees_endpoint: bool,
}

/// Backup's names of an endpoint, in the order of the documents' sample output.
pub(crate) const LABELS: [&str; 8] = [
    "fc1", "fab1", "prot1", "rec2", "ecs1", "id1", "tel1", "wbcm1",
];

/// The storage accounts behind the vault: account, kind, when the endpoint gets it.
const STORAGE: [(&str, &str, Allocated); 3] = [
    ("ecs114", "queue", Allocated::Registered),
    ("ecs114", "blob", Allocated::Registered),
    ("prot120", "blob", Allocated::BackedUp),
];

impl Plan {
    pub(crate) fn new(setup: &Setup) -> Self {
        let cloud = setup.cloud;
        let suffix = format!("{}.{}", setup.geo_code, cloud.backup_suffix());
        let label = |label: &str| format!("{VAULT_NUMBER}-ab-pod01-{label}");
        let backup = |name: &str| format!("{}.privatelink.{suffix}", label(name));
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
        for (name, last) in LABELS.into_iter().zip(36..) {
            hosts.push(Host {
                name: format!("{}.{suffix}", label(name)),
                service: Service::Backup,
                private: Some(Private {
                    record: backup(name),
                    address: Ipv4Addr::new(10, 1, 0, last),
                    allocated: Allocated::Created,
                }),
                public: Some(Ipv4Addr::new(203, 0, 113, last)),
            });
        }
        for ((account, kind, allocated), last) in STORAGE.into_iter().zip(44..) {
            let name = storage(account, kind);
            hosts.push(Host {
                service: if kind == "queue" {
                    Service::Queue
                } else {
                    Service::Blob
                },
                private: Some(Private {
                    record: name.replacen('.', ".privatelink.", 1),
                    address: Ipv4Addr::new(10, 1, 0, last),
                    allocated,
                }),
                public: Some(Ipv4Addr::new(203, 0, 113, last)),
                name,
            });
        }
        let mut plan = Self {
            names,
            hosts,
            proxy: setup.proxy.host.parse().unwrap_or(NAMED_PROXY),
            management: cloud.management_host().to_owned(),
            zones: [
                format!("privatelink.{suffix}"),
                format!("privatelink.queue.{}", cloud.storage_suffix()),
                format!("privatelink.blob.{}", cloud.storage_suffix()),
            ],
            proxy_sees_endpoint: setup.has(Fault::ProxyReachesEndpoint),
        };
        plan.add(
            &plan.names.entra.clone(),
            Service::Entra,
            [198, 51, 100, 10],
        );
        if cloud == Cloud::AzureCloud {
            plan.add(DEVICE_REGISTRATION, Service::Entra, [198, 51, 100, 11]);
        }
        plan.add(&plan.management.clone(), Service::Other, MANAGEMENT);
        plan.add(&setup.proxy.host, Service::Other, plan.proxy);
        if setup.has(Fault::AutoDetectOn) {
            plan.add(WPAD_NAME, Service::Other, WPAD);
        }
        plan
    }

    /// Every name that a certificate has to cover.
    pub(crate) fn certified(&self) -> Vec<String> {
        let hosts = self.hosts.iter();
        let mut names: Vec<String> = hosts
            .flat_map(|host| {
                let private = host.private.as_ref().map(|private| private.record.clone());
                [Some(host.name.clone()), private].into_iter().flatten()
            })
            .collect();
        // Whoever does not ask this world's DNS comes by the loopback's own names.
        names.extend(["localhost".to_owned(), "127.0.0.1".to_owned()]);
        names
    }

    /// Whether the proxy can stand beside everything else.
    pub(crate) fn has_room_for(&self, proxy: &str) -> bool {
        let taken = |host: &Host| {
            let private = host.private.as_ref().map(|private| private.address);
            host.service != Service::Other
                && (host.name.eq_ignore_ascii_case(proxy)
                    || [private, host.public].contains(&Some(self.proxy)))
        };
        let reserved = [MACHINE, METADATA, WPAD, MANAGEMENT].contains(&self.proxy)
            || self.management.eq_ignore_ascii_case(proxy);
        !reserved && !proxy.contains(':') && !self.hosts.iter().any(taken)
    }

    /// Whether `view` is inside the private endpoint's network.
    pub(crate) fn sees_endpoint(&self, view: View) -> bool {
        view == View::Machine || self.proxy_sees_endpoint
    }

    /// The host of that name, in its public or its private form.
    pub(crate) fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.iter().find(|host| {
            let record = host.private.as_ref().map(|private| private.record.as_str());
            host.name.eq_ignore_ascii_case(name)
                || record.is_some_and(|record| record.eq_ignore_ascii_case(name))
        })
    }

    /// The service behind a name, for the proxy's records.
    pub(crate) fn service_of(&self, name: &str) -> Service {
        if name == METADATA.to_string() {
            return Service::Platform;
        }
        self.host(name).map_or(Service::Other, |host| host.service)
    }

    fn add(&mut self, name: &str, service: Service, address: impl Into<Ipv4Addr>) {
        self.hosts.push(Host {
            name: name.to_owned(),
            service,
            private: None,
            public: Some(address.into()),
        });
    }
}

/// The name that a Backup service has without a private endpoint; the extension
/// falls back to it.
pub(crate) fn public_form(name: &str) -> String {
    name.replacen(".privatelink.", ".", 1)
}

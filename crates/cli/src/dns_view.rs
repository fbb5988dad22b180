//! Records for the team that owns DNS: as a table, for BIND, for PowerShell, for `az`.

use std::fmt::Write as _;
use std::net::IpAddr;

use sidestep_model::dns::{AZURE_RESOLVER, EndpointRecord, ZoneRecord};

use crate::render::table;

/// Seconds; the endpoint's addresses do not change, but records are added.
const TIME_TO_LIVE: u32 = 300;

/// The request, in every form that its reader may want to paste.
pub(crate) fn request(records: &[ZoneRecord], forwarders: &[String]) -> String {
    let forms = [
        ("The records", rows(records)),
        ("For BIND, in each zone's file", bind(records)),
        ("For Windows DNS, in PowerShell", powershell(records)),
        ("For a private DNS zone in Azure", azure(records)),
        ("Or forward instead", forward(forwarders)),
    ];
    let forms: Vec<String> = forms
        .into_iter()
        .map(|(title, text)| format!("{title}\n{text}"))
        .collect();
    forms.join("\n\n")
}

/// The endpoint's records as Azure lists them.
pub(crate) fn listed(records: &[EndpointRecord], zones: &[String]) -> String {
    let records: Vec<ZoneRecord> = records.iter().map(|record| record.in_zone(zones)).collect();
    rows(&records)
}

/// Records as a table.
pub(crate) fn rows(records: &[ZoneRecord]) -> String {
    let mut rows = table(&["Zone", "Name", "Type", "Address"]);
    for record in records {
        for address in &record.addresses {
            rows.add_row(vec![
                zone(record).to_owned(),
                record.name.clone(),
                kind(address).to_owned(),
                address.to_string(),
            ]);
        }
    }
    rows.trim_fmt()
}

fn kind(address: &IpAddr) -> &'static str {
    if address.is_ipv4() { "A" } else { "AAAA" }
}

fn zone(record: &ZoneRecord) -> &str {
    record
        .zone
        .as_deref()
        .unwrap_or("the zone that its alias leads to")
}

fn bind(records: &[ZoneRecord]) -> String {
    each(records, |zone, name, address| {
        let kind = kind(address);
        format!("  {name}.{zone}. {TIME_TO_LIVE} IN {kind} {address}")
    })
}

fn powershell(records: &[ZoneRecord]) -> String {
    each(records, |zone, name, address| {
        let (kind, version) = if address.is_ipv4() {
            ("A", 4)
        } else {
            ("AAAA", 6)
        };
        format!(
            "  Add-DnsServerResourceRecord{kind} -ZoneName {zone} -Name {name} \
             -IPv{version}Address {address}"
        )
    })
}

fn azure(records: &[ZoneRecord]) -> String {
    each(records, |zone, name, address| {
        let kind = kind(address).to_ascii_lowercase();
        format!(
            "  az network private-dns record-set {kind} add-record -g <group> -z {zone} -n {name} \
             -a {address}"
        )
    })
}

fn each(records: &[ZoneRecord], line: impl Fn(&str, &str, &IpAddr) -> String) -> String {
    let mut lines = Vec::new();
    for record in records {
        let Some(zone) = &record.zone else {
            lines.push(format!(
                "  (look {} up first: no zone of the endpoint fits)",
                record.name
            ));
            continue;
        };
        lines.extend(
            record
                .addresses
                .iter()
                .map(|address| line(zone, &record.name, address)),
        );
    }
    lines.join("\n")
}

fn forward(zones: &[String]) -> String {
    let mut text = format!(
        "  Conditional forwarders to {AZURE_RESOLVER} (from a DNS server inside a virtual network \
         that is linked to the private zones):"
    );
    for zone in zones {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n    {zone}");
    }
    let hosted = "\n  Do not host these as zones of your own: everybody else's names below them \
                  would be gone.";
    text + hosted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_names_every_record_and_no_public_zone_is_hosted() {
        let records = [ZoneRecord {
            zone: Some("privatelink.blob.core.windows.net".to_owned()),
            name: "abcpod01prot120".to_owned(),
            addresses: vec![[10, 1, 0, 45].into()],
        }];
        let text = request(&records, &["blob.core.windows.net".to_owned()]);
        assert!(
            text.contains("abcpod01prot120.privatelink.blob.core.windows.net. 300 IN A 10.1.0.45")
        );
        assert!(text.contains("-ZoneName privatelink.blob.core.windows.net -Name abcpod01prot120"));
        assert!(
            text.contains("-z privatelink.blob.core.windows.net -n abcpod01prot120 -a 10.1.0.45")
        );
        assert!(text.contains("168.63.129.16"));
        let second = [ZoneRecord {
            addresses: vec!["fd00::2d".parse().unwrap()],
            ..records[0].clone()
        }];
        let second = request(&second, &[]);
        for form in [
            "300 IN AAAA fd00::2d",
            "Add-DnsServerResourceRecordAAAA ",
            " -IPv6Address fd00::2d",
            "record-set aaaa add-record",
        ] {
            assert!(second.contains(form), "{second}");
        }
        for line in text
            .lines()
            .filter(|line| line.contains("-Zone") || line.contains(" -z "))
        {
            assert!(line.contains("privatelink."), "{line}");
        }
    }
}

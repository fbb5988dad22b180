//! `site.toml`: every mistake with its place, message and next step.

mod readers;

use sidestep_model::site::Site;

const LEAST: &str = include_str!("../sites/least.toml");

#[test]
fn unknown_keys_lead_to_the_nearest() {
    mistakes(
        &LEAST.replace("entra =", "entrra = \"proxy\"\nentra ="),
        &[(
            "entrra",
            "unknown key `entrra` in `[bypass]`",
            "did you mean `entra`? valid here: `backup`, `entra`, `local`, `add`, `remove`",
        )],
    );
    mistakes(
        &LEAST.replace("[vault]", "[privat_endpoint]\n[vault]"),
        &[(
            "privat_endpoint",
            "unknown key `privat_endpoint` at the top level",
            "did you mean `private_endpoint`? valid here: `azure`, `vault`, `private_endpoint`, \
             `dns`, `vm`, `proxy`, `bypass`, `sql`",
        )],
    );
    mistakes(
        &LEAST.replace("name = \"sqlvm1\"", "name = \"sqlvm1\"\nzzz = 1"),
        &[(
            "zzz",
            "unknown key `zzz` in `[[vm]]`",
            "valid here: `name`, `resource_group`, `via`",
        )],
    );
}

#[test]
fn missing_keys_point_at_their_table() {
    mistakes(
        "[azure]\n[private_endpoint]\n[[vm]]\n[bypass]\n",
        &[
            (
                "[azure]",
                "`subscription` is missing in `[azure]`",
                "add `subscription = …` to `[azure]`",
            ),
            (
                "[azure]",
                "`resource_group` is missing in `[azure]`",
                "add `resource_group = …` to `[azure]`",
            ),
            (
                "[azure]",
                "`location` is missing in `[azure]`",
                "add `location = …` to `[azure]`",
            ),
            (
                "[private_endpoint]",
                "`name` is missing in `[private_endpoint]`",
                "add `name = …` to `[private_endpoint]`",
            ),
            (
                "[private_endpoint]",
                "`subnet` is missing in `[private_endpoint]`",
                "add `subnet = …` to `[private_endpoint]`",
            ),
            (
                "[[vm]]",
                "`name` is missing in `[[vm]]`",
                "add `name = …` to `[[vm]]`",
            ),
            (
                "[bypass]",
                "`entra` is missing in `[bypass]`: the way to Entra ID must be chosen",
                ENTRA_HELP,
            ),
            (
                NOWHERE,
                "`name` is missing in `[vault]`",
                "add `name = …` to `[vault]`",
            ),
        ],
    );
}

#[test]
fn an_empty_file_misses_everything_that_is_required() {
    let messages: Vec<String> = Site::parse("")
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        messages,
        [
            "`subscription` is missing in `[azure]`",
            "`resource_group` is missing in `[azure]`",
            "`location` is missing in `[azure]`",
            "`name` is missing in `[vault]`",
            "`name` is missing in `[private_endpoint]`",
            "`subnet` is missing in `[private_endpoint]`",
            "no virtual machine is named",
            "`entra` is missing in `[bypass]`: the way to Entra ID must be chosen",
        ]
    );
}

#[test]
fn a_virtual_machine_must_be_named() {
    let help = "add a `[[vm]]` with a `name` for every SQL Server machine";
    let without = LEAST.replace("[[vm]]\nname = \"sqlvm1\"", "");
    mistakes(&without, &[(NOWHERE, "no virtual machine is named", help)]);
    mistakes(
        &format!("vm = []\n{without}"),
        &[("[]", "no virtual machine is named", help)],
    );
    mistakes(
        &LEAST.replace("[[vm]]", "[vm]"),
        &[(
            "[vm]",
            "`vm` must be an array of tables, not a table",
            "write its header in double brackets, `[[vm]]`",
        )],
    );
    mistakes(
        &LEAST.replace("[bypass]", "[[vm]]\nname = \"SQLVM1\"\n[bypass]"),
        &[(
            "\"SQLVM1\"",
            "virtual machine \"SQLVM1\" in \"rg-backup\" is named twice",
            "",
        )],
    );
    let group = "g".repeat(80);
    mistakes(
        &LEAST.replace(
            "name = \"sqlvm1\"",
            &format!("name = \"sqlvm1\"\nresource_group = \"{group}\""),
        ),
        &[(
            "\"sqlvm1\"",
            &format!(
                "\"sqlvm1\" and its resource group \"{group}\" are 86 characters long together"
            ),
            "Azure Backup takes at most 84 characters together",
        )],
    );
}

#[test]
fn wrong_types_say_what_is_allowed() {
    mistakes(
        &LEAST.replace("\"rsv-sql\"", "7"),
        &[("7", "`vault.name` must be a string, not an integer", "")],
    );
    mistakes(
        &LEAST.replace(
            "[bypass]",
            "[bypass]\nlocal = \"yes\"\nadd = \"a\"\nremove = [1.5]",
        ),
        &[
            (
                "\"yes\"",
                "`bypass.local` must be true or false, not a string",
                "",
            ),
            (
                "\"a\"",
                "`bypass.add` must be an array of strings, not a string",
                "",
            ),
            (
                "1.5",
                "`bypass.remove` must be an array of strings, not a float",
                "",
            ),
        ],
    );
    mistakes(
        &format!("sql = 2026-11-23\n{LEAST}[dns]\nmode = [true]\n"),
        &[
            ("2026-11-23", "`sql` must be a table, not a date", ""),
            (
                "[true]",
                "`dns.mode` must be a string, not an array",
                "valid here: \"azure\", \"manual\"",
            ),
        ],
    );
}

#[test]
fn what_is_no_table_is_not_searched_for_keys() {
    let text = LEAST.replace("[bypass]\nentra = \"direct\"", "");
    mistakes(
        &format!("bypass = 3\n{text}"),
        &[("3", "`bypass` must be a table, not an integer", "")],
    );
}

#[test]
fn words_that_are_no_choice_lead_to_the_nearest() {
    mistakes(
        &LEAST.replace("entra = \"direct\"", "entra = \"drect\""),
        &[(
            "\"drect\"",
            "`bypass.entra` cannot be \"drect\"",
            "did you mean \"direct\"? valid here: \"direct\", \"proxy\"",
        )],
    );
    mistakes(
        &LEAST.replace("[azure]", "[azure]\ncloud = \"azurecloud\""),
        &[(
            "\"azurecloud\"",
            "`azure.cloud` cannot be \"azurecloud\"",
            "did you mean \"AzureCloud\"? valid here: \"AzureCloud\", \"AzureUSGovernment\", \
             \"AzureChinaCloud\"",
        )],
    );
    mistakes(
        &LEAST.replace("[bypass]", "[proxy]\nmode = \"\"\n[bypass]"),
        &[(
            "\"\"",
            "`proxy.mode` cannot be \"\"",
            "valid here: \"keep\", \"set\"",
        )],
    );
}

#[test]
fn identities_must_have_their_form() {
    mistakes(
        &LEAST.replace("11111111-2222-3333-4444-555555555555", "my-subscription"),
        &[(
            "\"my-subscription\"",
            "`azure.subscription` must be a GUID, not \"my-subscription\"",
            "`az account list --output table` shows the subscriptions",
        )],
    );
    mistakes(
        &LEAST.replace("[azure]", "[azure]\ntenant = \"con toso\""),
        &[(
            "\"con toso\"",
            "`azure.tenant` must be a GUID or a domain, not \"con toso\"",
            "",
        )],
    );
    mistakes(
        &LEAST.replace("rsv-sql\"\n\n", "rsv_sql\"\n\n"),
        &[(
            "\"rsv_sql\"",
            "`vault.name` cannot be \"rsv_sql\"",
            "such a name is 2 to 50 letters, digits or `-`, the first one a letter",
        )],
    );
    mistakes(
        &LEAST.replace("\"rg-backup\"", "\"\""),
        &[(
            "\"\"",
            "`azure.resource_group` cannot be \"\"",
            "such a name is 1 to 90 letters, digits, `_`, `-`, `.`, `(` or `)`, the last one no `.`",
        )],
    );
}

#[test]
fn locations_must_be_regions_of_the_cloud() {
    let at = |location: &str| LEAST.replace("japaneast", location);
    for (location, nearest) in [
        ("japaneats", "did you mean \"japaneast\"?"),
        ("jpe", "did you mean \"japaneast\"?"),
        (
            "mars",
            "`az account list-locations --output table` shows the regions",
        ),
    ] {
        mistakes(
            &at(location),
            &[(
                &format!("\"{location}\""),
                &format!("\"{location}\" is no known Azure region"),
                nearest,
            )],
        );
    }
    mistakes(
        &at("chinaeast2"),
        &[(
            "\"chinaeast2\"",
            "region chinaeast2 is not in AzureCloud",
            "set `azure.cloud = \"AzureChinaCloud\"`, or choose a region of AzureCloud",
        )],
    );
    mistakes(
        &at("usseceast"),
        &[(
            "\"usseceast\"",
            "region usseceast is not in AzureCloud",
            "it belongs to a cloud whose endpoints are not published",
        )],
    );
}

#[test]
fn resources_are_names_or_full_ids() {
    let help = "write `network/subnet`, or /subscriptions/<guid>/resourceGroups/<group>/providers\
                /Microsoft.Network/virtualNetworks/<network>/subnets/<subnet>";
    for subnet in [
        "snet-pe",
        "vnet/",
        "/vnet/snet",
        "a/b/c",
        "v/sn et",
        "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vn/subnets/s",
        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vn",
        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vn/subnets/s/x",
        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Compute/virtualNetworks/vn/subnets/s",
    ] {
        mistakes(
            &LEAST.replace("vnet-hub/snet-pe", subnet),
            &[(
                &format!("\"{subnet}\""),
                &format!("`private_endpoint.subnet` names no subnet: \"{subnet}\""),
                help,
            )],
        );
    }
    mistakes(
        &format!(
            "{LEAST}[dns]\nzones = [\"privatelink.jpe.backup.windowsazure.com\"]\nlink_vnets = ['a/b']\n"
        ),
        &[
            (
                "\"privatelink.jpe.backup.windowsazure.com\"",
                "`dns.zones` names no private DNS zone: \"privatelink.jpe.backup.windowsazure.com\"",
                "write /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.Network\
                 /privateDnsZones/<zone>",
            ),
            (
                "'a/b'",
                "`dns.link_vnets` names no virtual network: \"a/b\"",
                "write its name, or /subscriptions/<guid>/resourceGroups/<group>/providers\
                 /Microsoft.Network/virtualNetworks/<network>",
            ),
        ],
    );
}

#[test]
fn a_vault_to_create_needs_a_redundancy() {
    mistakes(
        &LEAST.replace("[vault]", "[vault]\ncreate = true"),
        &[(
            "true",
            "a vault to create needs a `redundancy`",
            "it cannot change after the first protection, so choose: \"GeoRedundant\", \
             \"LocallyRedundant\", \"ZoneRedundant\"",
        )],
    );
}

#[test]
fn databases_are_named_with_their_instance() {
    let help = "the default instance is MSSQLSERVER, so \"MSSQLSERVER/orders\"";
    for database in [
        "orders",
        "/orders",
        "MSSQLSERVER/",
        r"HOST\\INST/orders",
        "a/b/c",
    ] {
        let shown = database.replace(r"\\", r"\");
        mistakes(
            &format!("{LEAST}[sql]\ndatabases = [\"{database}\"]\n"),
            &[(
                &format!("\"{database}\""),
                &format!(
                    "`sql.databases` must be `INSTANCE/database`, `*` and `?` allowed, not \"{shown}\""
                ),
                help,
            )],
        );
    }
    mistakes(
        &format!("{LEAST}[sql]\nbackup = \"MSSQLSERVER/*\"\n"),
        &[(
            "\"MSSQLSERVER/*\"",
            "`sql.backup` must be one `INSTANCE/database`, not \"MSSQLSERVER/*\"",
            help,
        )],
    );
}

#[test]
fn syntax_errors_keep_their_place_and_hide_what_may_follow_from_them() {
    mistakes(
        "[azure\n[bypass]\nentra = \"direct\n",
        &[
            ("", "unclosed table, expected `]`", ""),
            ("", "invalid basic string, expected `\"`", ""),
        ],
    );
    mistakes(
        &LEAST.replace("[bypass]", "[vault]\n[bypass]"),
        &[("vault", "duplicate key", "")],
    );
}

#[test]
fn all_mistakes_come_in_the_order_of_the_file() {
    let text = r#"
[sql]
backup = "x"
[bypass]
entra = "x"
[azure]
location = "x"
"#;
    let errors = Site::parse(text).unwrap_err();
    let starts: Vec<usize> = errors
        .iter()
        .map(|error| error.span.as_ref().map_or(usize::MAX, |span| span.start))
        .collect();
    assert!(starts.is_sorted());
    assert_eq!(errors.len(), 9);
}

const NOWHERE: &str = "(nowhere)";

const ENTRA_HELP: &str = "Entra ID has no private endpoint: write `entra = \"direct\"` if the \
    virtual machine reaches the Internet without the proxy, else `entra = \"proxy\"`";

/// Asserts all mistakes of `text`: what is underlined, the message, the next step.
fn mistakes(text: &str, expected: &[(&str, &str, &str)]) {
    let errors = Site::parse(text).expect_err("the text has mistakes");
    let found: Vec<(String, String, String)> = errors
        .iter()
        .map(|error| {
            let underlined = error.span.clone().map_or(NOWHERE, |span| &text[span]);
            (
                underlined.to_owned(),
                error.to_string(),
                error.help().unwrap_or_default(),
            )
        })
        .collect();
    let expected: Vec<(String, String, String)> = expected
        .iter()
        .map(|(underlined, message, help)| {
            (
                (*underlined).to_owned(),
                (*message).to_owned(),
                (*help).to_owned(),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

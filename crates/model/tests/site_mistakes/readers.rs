//! What the readers of the settings would not take, or not all of them alike.

use crate::{LEAST, mistakes};

#[test]
fn the_proxy_must_be_usable_by_every_reader() {
    mistakes(
        &format!("{LEAST}[proxy]\nmode = \"set\"\nserver = \"\"\n"),
        &[(
            "\"set\"",
            "`mode = \"set\"` needs a `server`",
            "add `server = \"host:port\"` to `[proxy]`",
        )],
    );
    for (server, shown, fault) in [
        ("10.2.0.16", "10.2.0.16", "the port is missing"),
        (
            "10.2.0.16:3128;",
            "10.2.0.16:3128;",
            "`;` and `=` name several proxies; .NET Framework must find exactly one",
        ),
        (
            "http=a:1",
            "http=a:1",
            "`;` and `=` name several proxies; .NET Framework must find exactly one",
        ),
        (
            "a:1 b:2",
            "a:1 b:2",
            "it holds a blank or a control character",
        ),
        (
            "https://a:443",
            "https://a:443",
            "`https` proxies are not supported by .NET Framework, only http ones",
        ),
        (
            "http://a:80/",
            "http://a:80/",
            "nothing may follow the port",
        ),
        (
            "http://me:secret@a:80",
            "…@a:80",
            "Azure Backup supports no proxy that asks for a user",
        ),
        ("a:0", "a:0", "the port `0` is no number from 1 to 65535"),
        (
            "a:65536",
            "a:65536",
            "the port `65536` is no number from 1 to 65535",
        ),
        (
            "a:+80",
            "a:+80",
            "the port `+80` is no number from 1 to 65535",
        ),
        ("http://", "http://", "the port is missing"),
        (":80", ":80", "`` is neither a host name nor an IP address"),
        (
            "10.2.0.999:80",
            "10.2.0.999:80",
            "`10.2.0.999` is neither a host name nor an IP address",
        ),
        (
            "2001:db8::1:80",
            "2001:db8::1:80",
            "`2001:db8::1` is neither a host name nor an IP address",
        ),
        ("[2001:db8::1]", "[2001:db8::1]", "the port is missing"),
        (
            "プロキシ:80",
            "プロキシ:80",
            "`プロキシ` is neither a host name nor an IP address",
        ),
    ] {
        mistakes(
            &format!("{LEAST}[proxy]\nserver = \"{server}\"\n"),
            &[(
                &format!("\"{server}\""),
                &format!("`proxy.server` cannot be \"{shown}\": {fault}"),
                "write one `host:port`, such as \"10.2.0.16:8080\"",
            )],
        );
    }
}

#[test]
fn entries_that_readers_understand_differently_are_refused() {
    let slash =
        "a `/` makes WinINet ignore the proxy altogether and .NET Framework ignore the entry";
    let parts = "it means one thing to .NET Framework and another to WinINet";
    let without_port =
        "write the host without `:443` or `:80`, and a wildcard in front of a dot or behind one";
    let control = "it holds a line break or another control character";
    let slash_help = "write the host only; a range of addresses needs `*`, such as \"10.1.*\"";
    for (entry, fault, help) in [
        (r"10.0.0.0/8", slash, slash_help),
        (r"https://a.example/", slash, slash_help),
        (r"://a", slash, slash_help),
        (
            r"a;b",
            "`;` separates entries, so that this would be several",
            "write one string for each entry",
        ),
        (
            r"a b",
            "it holds a blank, which readers understand differently",
            "",
        ),
        (
            r" a",
            "it holds a blank, which readers understand differently",
            "",
        ),
        (r"a\r\nb", control, ""),
        (r"a\u0000", control, ""),
        (
            r"バックアップ.example",
            "it holds a character outside ASCII",
            "",
        ),
        (r"", "it is empty", ""),
        (r"https://", "it is empty", ""),
        (r"wsus.corp.example:443", parts, without_port),
        (r"h*.corp.example", parts, without_port),
        (r"<-loopback>", parts, without_port),
    ] {
        mistakes(
            &LEAST.replace(
                "[bypass]",
                &format!("[bypass]\nadd = [\"ok.example\", \"{entry}\"]"),
            ),
            &[(
                &format!("\"{entry}\""),
                &format!(
                    "`bypass.add` cannot hold \"{}\": {fault}",
                    entry.replace(r"\u0000", r"\u{0}")
                ),
                help,
            )],
        );
    }
    mistakes(
        &LEAST.replace(
            "[bypass]",
            "[bypass]\nadd = [\"A.example\"]\nremove = [\"a.example\", \"b;c\"]",
        ),
        &[
            (
                "\"a.example\"",
                "\"a.example\" is in both `add` and `remove`",
                "delete it from one of them",
            ),
            (
                "\"b;c\"",
                "`bypass.remove` cannot hold \"b;c\": `;` separates entries, so that this would be several",
                "write one string for each entry",
            ),
        ],
    );
}

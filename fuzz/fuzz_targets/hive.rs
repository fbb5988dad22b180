//! Registry hives: the input is a hive, behind it a log, each cut at 8,192 bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sidestep_model::hive::Hive;

fuzz_target!(|bytes: &[u8]| {
    let (file, log) = bytes.split_at_checked(8_192).unwrap_or((bytes, &[]));
    let Ok(hive) = Hive::parse(file, &[log.to_vec()]) else {
        return;
    };
    for key in hive.keys("").unwrap_or_default() {
        drop(hive.keys(&key));
        drop(hive.value(&key, "Current"));
    }
});

//! The command `parlance`: what its binary runs, and what a configuration file says.

mod attack;
mod bench;
mod cli;
mod connect;
mod failure;
mod files;
mod host;
mod logging;
mod network;
mod password;
mod repeats;
mod replay;
mod serve;
mod settings;
mod simulate;
mod size;
mod tape;

use std::path::Path;

use chat_core::Config;

use failure::Failure;
use settings::Settings;

pub use cli::run;
pub use settings::EXAMPLE as CONFIG_EXAMPLE;

/// What a configuration file of this text tells the core. Files that it names are looked for where the
/// process is.
///
/// # Errors
/// The first thing that is wrong, as it is told behind the file's name: line, key and the fix.
pub fn config(text: &str) -> Result<Config, String> {
    match Settings::parse(text, Path::new("")) {
        Ok(settings) => Ok(settings.config),
        Err(fault) => Err(fault.to_string()),
    }
}

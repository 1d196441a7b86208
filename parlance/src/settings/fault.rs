//! What is wrong with a configuration file, and where.

use std::fmt;

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// What is wrong, to be shown behind the file's name.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The line, if the file has one for it.
    line: Option<usize>,
    /// The key with its tables, as in `limits.recvq`; empty where there is none.
    key: String,
    why: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", escaped(&self.key))?;
        }
        write!(f, ": {}", escaped(&self.why))
    }
}

/// A key may hold anything, and a terminal is to show it: line feeds and other control characters in
/// the form that a file has them.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A file's text, and where its keys and values are.
pub(super) struct Document<'a> {
    text: &'a str,
    root: DeTable<'a>,
}

impl<'a> Document<'a> {
    /// # Errors
    /// If it is not TOML.
    pub(super) fn parse(text: &'a str) -> Result<Self, Fault> {
        match DeTable::parse(text) {
            Ok(root) => Ok(Self { text, root: root.into_inner() }),
            Err(error) => Err(Self { text, root: DeTable::new() }.explain(&error)),
        }
    }

    /// # Errors
    /// A key that is not known, or a value that is not of its kind.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        toml::from_str(self.text).map_err(|error| self.explain(&error))
    }

    /// A fault of the key that the core knows by this name, wherever it is.
    pub(super) fn fault(&self, name: &str, why: impl Into<String>) -> Fault {
        let other_forms = [format!("{name}_s"), format!("{name}_file")];
        let found = ["server", "limits"]
            .into_iter()
            .filter_map(|table| Some((table, self.root.get(table)?.get_ref().as_table()?)))
            .flat_map(|(table, entries)| entries.iter().map(move |(key, _)| (table, key)))
            .find(|(_, key)| {
                let key: &str = key.get_ref();
                key == name || other_forms.iter().any(|form| form == key)
            });
        match found {
            Some((table, key)) => Fault {
                line: Some(self.line(key.span().start)),
                key: format!("{table}.{}", key.get_ref()),
                why: why.into(),
            },
            None => Fault { line: None, key: name.into(), why: why.into() },
        }
    }

    /// A fault of this key of one `[[oper]]`.
    pub(super) fn fault_of_oper(&self, number: usize, key: &str, why: String) -> Fault {
        let at = self
            .root
            .get("oper")
            .and_then(|opers| opers.get_ref().get(number)?.get_ref().as_table()?.get_key_value(key))
            .map(|(key, _)| self.line(key.span().start));
        Fault { line: at, key: format!("oper.{key}"), why }
    }

    fn explain(&self, error: &toml::de::Error) -> Fault {
        let at = error.span().map(|span| span.start);
        let key = at.and_then(|at| key_at(&self.root, at)).unwrap_or_default();
        let is_one = self.root.get("oper").is_some_and(|oper| oper.get_ref().is_table());
        let why = if is_one && key.starts_with("oper") {
            "there may be several: write [[oper]]".to_owned()
        } else {
            suggestion(error.message()).unwrap_or_else(|| error.message().replace('\n', ", "))
        };
        Fault { line: at.map(|at| self.line(at)), key, why }
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|&byte| byte == b'\n').count()
    }
}

/// The key whose name or value is there.
fn key_at(table: &DeTable<'_>, at: usize) -> Option<String> {
    let within = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::Table(table) => key_at(table, at),
        DeValue::Array(items) => {
            items.iter().find_map(|item| key_at(item.get_ref().as_table()?, at))
        }
        _ => None,
    };
    table.iter().find_map(|(key, value)| {
        if let Some(inner) = within(value) {
            return Some(format!("{}.{inner}", key.get_ref()));
        }
        let here = key.span().contains(&at) || value.span().contains(&at);
        here.then(|| key.get_ref().to_string())
    })
}

/// What to say of a key that is not known: the one that was meant, and all that are.
fn suggestion(message: &str) -> Option<String> {
    let mut names = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    let known: Vec<&str> = names.collect();
    let nearest = known
        .iter()
        .max_by(|a, b| strsim::jaro(unknown, a).total_cmp(&strsim::jaro(unknown, b)))
        .filter(|name| strsim::jaro(unknown, name) > 0.8)
        .map_or(String::new(), |name| format!("did you mean {name}? "));
    Some(format!("unknown key: {nearest}the keys here are {}", known.join(", ")))
}

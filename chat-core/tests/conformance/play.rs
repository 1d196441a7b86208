//! Plays a scenario: does what it says, and compares all that each client is sent.

use chat_core::{Answer, Config, Input, Request};

use crate::{
    pattern::{Bindings, Pattern, generalize, show},
    scenario::{Act, Scenario, Step, duration},
    support::{Came, Stage, config},
};

/// Lines to be put in place of the line of that number.
pub(crate) type Edit = (usize, Vec<String>);

/// Plays it to its end, or to the first thing that is not as it says.
///
/// With `fill`, each `?` is answered by the edit that puts there what came.
pub(crate) fn play(scenario: &Scenario, fill: bool) -> Result<Vec<Edit>, String> {
    let mut player = Player::new(scenario)?;
    let mut edits = Vec::new();
    for (line, step) in &scenario.steps {
        player.line = *line;
        match step {
            Step::Act(act) => {
                player.nothing_is_left()?;
                if player.looked {
                    player.block = *line;
                    player.block_came.clear();
                }
                player.looked = false;
                player.act(act)?;
                player.block_came.append(&mut player.stage.inbox.clone());
                player.left.append(&mut player.stage.inbox);
            }
            Step::Line(name, pattern, text) => player.expect(name, pattern, text)?,
            Step::Some(name) => player.some.push(name.clone()),
            Step::Closed(name) => player.expect_closed(name)?,
            Step::Drop => player.left.clear(),
            Step::Fill if fill => edits.push((*line, player.fill())),
            Step::Fill => return Err(player.fails("`?` is not filled in: run with UPDATE=1")),
        }
        player.looked |= !matches!(step, Step::Act(_));
    }
    player.line = scenario.steps.last().map_or(scenario.line, |(line, _)| *line);
    player.looked = true;
    player.nothing_is_left()?;
    Ok(edits)
}

/// Where a file of scenarios is, as a compiler would tell it.
pub(crate) fn place(file: &str, line: usize) -> String {
    format!("chat-core/tests/conformance/{file}.txt:{line}")
}

struct Player<'s> {
    scenario: &'s Scenario,
    stage: Stage,
    config: Config,
    bindings: Bindings,
    /// The line that is at work.
    line: usize,
    /// The first act of the block.
    block: usize,
    /// Whether something was looked at since the last act.
    looked: bool,
    /// All that came in this block, for a failure.
    block_came: Vec<(String, Came)>,
    /// What came and was not looked at.
    left: Vec<(String, Came)>,
    /// Who may be sent any number of lines before the next that is listed.
    some: Vec<String>,
}

impl<'s> Player<'s> {
    fn new(scenario: &'s Scenario) -> Result<Self, String> {
        let mut config = config();
        for (line, setting) in &scenario.config {
            config = set(&config, setting)
                .map_err(|why| format!("{}: {why}", place(&scenario.file, *line)))?;
        }
        if let Err(error) = config.check() {
            return Err(format!("{}: {error}", place(&scenario.file, scenario.line)));
        }
        let mut player = Self {
            scenario,
            stage: Stage::new(config.clone()),
            config,
            bindings: Bindings::new(),
            line: scenario.line,
            block: scenario.line,
            looked: true,
            block_came: Vec::new(),
            left: Vec::new(),
            some: Vec::new(),
        };
        for user in &scenario.users {
            player.open(&user.name, user.address)?;
            let name = &user.name;
            let mut lines = format!("NICK {name}\r\nUSER {name} 0 * :Real {name}\r\n");
            if !user.caps.is_empty() {
                lines.insert_str(0, &format!("CAP REQ :{}\r\nCAP END\r\n", user.caps));
            }
            player.stage.send_raw(name, lines.as_bytes());
            let came = std::mem::take(&mut player.stage.inbox);
            let has = |part: &str| came.iter().any(|item| is_line(item, name, part));
            if !has(&format!(" 001 {name} ")) || has(" NAK ") {
                player.block_came = came;
                return Err(player.fails(&format!("{name} could not register")));
            }
        }
        Ok(player)
    }

    fn act(&mut self, act: &Act) -> Result<(), String> {
        match act {
            Act::Send(name, pattern, ends) => {
                self.is_open(name)?;
                let line = pattern.fill(&self.bindings).map_err(|why| self.fails(&why))?;
                let end: &[u8] = if *ends { b"\r\n" } else { b"" };
                self.stage.send_raw(name, &[&line[..], end].concat());
            }
            Act::Open(name, address) => self.open(name, *address)?,
            Act::Wait(time) => self.stage.wait(*time),
            Act::Eof(name) => {
                self.is_open(name)?;
                let conn = self.stage.conn(name);
                self.stage.input(Input::Eof(conn));
            }
            Act::Reset(name) => {
                self.is_open(name)?;
                self.stage.reset(name);
            }
            Act::Answer(_) if self.stage.asked.is_empty() => {
                return Err(self.fails("nothing was asked"));
            }
            Act::Answer(right) => {
                let (ticket, request) = self.stage.asked.remove(0);
                let answer = match request {
                    Request::VerifyPassword { .. } => Answer::Verified(*right),
                    Request::Configuration if *right => {
                        Answer::Configuration(Box::new(self.config.clone()))
                    }
                    Request::LoadBans if *right => Answer::Bans(Vec::new()),
                    Request::StoreBans(_) if *right => Answer::Stored,
                    Request::StoreBans(_) => Answer::Failed("the disk is full".into()),
                    _ => Answer::Failed("the file is wrong".into()),
                };
                self.stage.input(Input::Answer(ticket, answer));
            }
            Act::Stall(name) => self.stage.stall(name),
            Act::Unstall(name) => self.stage.unstall(name),
            Act::Reload(setting) => {
                self.config = set(&self.config, setting).map_err(|why| self.fails(&why))?;
                if let Err(error) = self.config.check() {
                    return Err(self.fails(&error.to_string()));
                }
                self.stage.input(Input::Reload(Box::new(self.config.clone())));
            }
        }
        Ok(())
    }

    fn open(&mut self, name: &str, address: Option<std::net::IpAddr>) -> Result<(), String> {
        if self.stage.is_open(name) {
            return Err(self.fails(&format!("{name} is connected already")));
        }
        self.stage.open_from(name, address.unwrap_or([192, 0, 2, 1].into()));
        Ok(())
    }

    fn is_open(&self, name: &str) -> Result<(), String> {
        if self.stage.is_open(name) {
            return Ok(());
        }
        Err(self.fails(&format!("{name} is not connected")))
    }

    fn next(&mut self, name: &str) -> Option<Came> {
        let at = self.left.iter().position(|(who, _)| who == name)?;
        Some(self.left.remove(at).1)
    }

    fn expect(&mut self, name: &str, pattern: &Pattern, text: &str) -> Result<(), String> {
        let some = self.take_some(name);
        loop {
            let came = self.next(name);
            match &came {
                Some(Came::Line(line)) if pattern.matches(line, &mut self.bindings) => {
                    return Ok(());
                }
                Some(_) if some => {}
                _ => return Err(self.differs(&format!("{name}< {text}"), name, came)),
            }
        }
    }

    /// Whether any number of lines may come for this client before the next that is listed.
    fn take_some(&mut self, name: &str) -> bool {
        let at = self.some.iter().position(|who| who == name);
        at.map(|at| self.some.remove(at)).is_some()
    }

    fn expect_closed(&mut self, name: &str) -> Result<(), String> {
        let some = self.take_some(name);
        loop {
            match self.next(name) {
                Some(Came::Closed) => return Ok(()),
                Some(Came::Line(_)) if some => {}
                came => return Err(self.differs(&format!("({name} closed)"), name, came)),
            }
        }
    }

    fn nothing_is_left(&mut self) -> Result<(), String> {
        for name in std::mem::take(&mut self.some) {
            self.left.retain(|(to, came)| *to != name || *came == Came::Closed);
        }
        let Some((name, came)) = self.left.first().filter(|_| self.looked) else { return Ok(()) };
        let why = format!("more came than is listed:\n    {}", written(name, came));
        Err(self.fails(&why))
    }

    fn fill(&mut self) -> Vec<String> {
        let bindings = &mut self.bindings;
        let write = |(name, came): (String, Came)| match came {
            Came::Line(line) => format!("{name}< {}", generalize(&line, bindings)),
            Came::Closed => format!("({name} closed)"),
        };
        self.left.drain(..).map(write).collect()
    }

    fn differs(&self, expected: &str, name: &str, came: Option<Came>) -> String {
        let came = came.map_or(format!("nothing more for {name}"), |came| written(name, &came));
        self.fails(&format!("expected:\n    {expected}\nbut came:\n    {came}"))
    }

    fn fails(&self, why: &str) -> String {
        let mut text = format!("{}: {why}\n", place(&self.scenario.file, self.line));
        text += &format!("demand: {}\n", self.scenario.demand);
        text += &format!("all that came since line {}:\n", self.block);
        for (name, came) in &self.block_came {
            text += &format!("{}\n", written(name, came));
        }
        text
    }
}

fn is_line((to, came): &(String, Came), name: &str, part: &str) -> bool {
    let Came::Line(line) = came else { return false };
    to == name && String::from_utf8_lossy(line).contains(part)
}

fn written(name: &str, came: &Came) -> String {
    match came {
        Came::Line(line) => format!("{name}< {}", show(line)),
        Came::Closed => format!("({name} closed)"),
    }
}

/// A configuration with one setting more: `limits.targets = 2`, in TOML. A time may be `"30s"`.
fn set(config: &Config, setting: &str) -> Result<Config, String> {
    let mut table = toml::Table::try_from(config).map_err(|error| error.to_string())?;
    let setting: toml::Table = setting.parse().map_err(|error| format!("{error}"))?;
    merge(&mut table, setting.clone());
    let config: Config = table.try_into().map_err(|error| format!("{error}"))?;
    let now = toml::Table::try_from(&config).map_err(|error| error.to_string())?;
    match unknown(&setting, &now) {
        Some(key) => Err(format!("the configuration has no {key}")),
        None => Ok(config),
    }
}

fn merge(into: &mut toml::Table, setting: toml::Table) {
    for (key, value) in setting {
        let is_time = |old: &toml::Value| old.get("secs").is_some() && old.get("nanos").is_some();
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (Some(old), toml::Value::String(text)) if is_time(old) => {
                let time = duration(&text).unwrap_or_default();
                let mut table = toml::Table::new();
                table.insert("secs".into(), toml::Value::Integer(time.as_secs() as i64));
                let nanos = i64::from(time.subsec_nanos());
                table.insert("nanos".into(), toml::Value::Integer(nanos));
                *old = toml::Value::Table(table);
            }
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// The first key that the configuration does not have.
fn unknown(setting: &toml::Table, config: &toml::Table) -> Option<String> {
    setting.iter().find_map(|(key, value)| match (value, config.get(key)) {
        (_, None) => Some(key.clone()),
        (toml::Value::Table(inner), Some(toml::Value::Table(found))) => unknown(inner, found),
        _ => None,
    })
}

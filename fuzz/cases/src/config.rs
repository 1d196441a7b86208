//! A configuration file: any text is taken, or refused with one line that says where; what is taken starts a
//! server that speaks the protocol.

use crate::stage::Stage;

/// Takes the text of a file.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    // The files of this machine are not for a fuzzer to read.
    if text.contains("_file") {
        return;
    }
    match parlance::config(text) {
        Ok(config) => {
            let mut stage = Stage::new(config);
            stage.open(0);
            stage.receive(0, COMMANDS.as_bytes());
            stage.drain();
            while stage.answer(Some(true)) {
                stage.drain();
            }
            stage.check();
            stage.wait(60_000);
            stage.finish();
        }
        Err(fault) => {
            assert!(!fault.contains(char::is_control), "a fault is one line: {fault:?}");
            let place = fault.strip_prefix(':').expect("it follows the file's name");
            let line = place.split(':').next().and_then(|line| line.parse().ok());
            assert!(line.is_none_or(|line: usize| line <= 1 + text.matches('\n').count()));
        }
    }
}

/// Shows all that a configuration says.
const COMMANDS: &str = "PASS x\r\nNICK a\r\nUSER a 0 * :a\r\nMOTD\r\nADMIN\r\nINFO\r\nVERSION\r\n\
    LUSERS\r\nJOIN #a\r\nTOPIC #a :a\r\nCAP LS 302\r\nMETADATA * SET a :b\r\nWHOIS a\r\nLIST\r\n\
    OPER a a\r\nSTATS o\r\nISUPPORT\r\nPRIVMSG a :a\r\nQUIT :a\r\n";

//! The numeric replies: one table of code, name and usual text.
//!
//! Texts are for people; no client may depend on them. Where a reply's last parameter is made of
//! values (a topic, a list of nicks), its text is empty and for the caller to write.
//!
//! Specification: the modern IRC client protocol, "Numerics"; IRCv3 for those of its extensions.

use core::fmt;

/// A numeric reply.
#[derive(Copy, Clone, Eq, PartialEq)]
pub struct Numeric {
    code: u16,
    name: &'static str,
    text: &'static str,
}

impl Numeric {
    /// The code, 1 to 999; written with three digits.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// The name, such as `ERR_NICKNAMEINUSE`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The usual last parameter; empty where it is made of values.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// The numeric with this code, if the table has it.
    #[must_use]
    pub fn from_code(code: u16) -> Option<&'static Self> {
        // A test keeps the table sorted.
        ALL.binary_search_by_key(&code, Self::code).ok().map(|index| &ALL[index])
    }
}

impl fmt::Debug for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {}", self.code, self.name)
    }
}

macro_rules! numerics {
    ($($code:literal $name:ident $text:literal;)*) => {
        $(
            #[doc = concat!("Code ", $code, ", text \"", $text, "\".")]
            pub const $name: Numeric =
                Numeric { code: $code, name: stringify!($name), text: $text };
        )*

        /// Every numeric of the table, by code.
        pub const ALL: &[Numeric] = &[$($name),*];
    };
}

numerics! {
      1 RPL_WELCOME "";
      2 RPL_YOURHOST "";
      3 RPL_CREATED "";
      4 RPL_MYINFO "";
      5 RPL_ISUPPORT "are supported by this server";
      8 RPL_SNOMASK "Server notice mask";
     10 RPL_BOUNCE "Please use this server instead";
     15 RPL_MAP "";
     17 RPL_MAPEND "End of /MAP";
    105 RPL_REMOTEISUPPORT "are supported by this server";
    212 RPL_STATSCOMMANDS "";
    216 RPL_STATSKLINE "";
    219 RPL_ENDOFSTATS "End of /STATS report";
    221 RPL_UMODEIS "";
    225 RPL_STATSDLINE "";
    242 RPL_STATSUPTIME "";
    243 RPL_STATSOLINE "";
    251 RPL_LUSERCLIENT "";
    252 RPL_LUSEROP "operator(s) online";
    253 RPL_LUSERUNKNOWN "unknown connection(s)";
    254 RPL_LUSERCHANNELS "channels formed";
    255 RPL_LUSERME "";
    256 RPL_ADMINME "Administrative info";
    257 RPL_ADMINLOC1 "";
    258 RPL_ADMINLOC2 "";
    259 RPL_ADMINEMAIL "";
    263 RPL_TRYAGAIN "Please wait a while and try again.";
    265 RPL_LOCALUSERS "";
    266 RPL_GLOBALUSERS "";
    276 RPL_WHOISCERTFP "";
    300 RPL_NONE "";
    301 RPL_AWAY "";
    302 RPL_USERHOST "";
    303 RPL_ISON "";
    305 RPL_UNAWAY "You are no longer marked as being away";
    306 RPL_NOWAWAY "You have been marked as being away";
    307 RPL_WHOISREGNICK "has identified for this nick";
    311 RPL_WHOISUSER "";
    312 RPL_WHOISSERVER "";
    313 RPL_WHOISOPERATOR "is an IRC operator";
    314 RPL_WHOWASUSER "";
    315 RPL_ENDOFWHO "End of WHO list";
    317 RPL_WHOISIDLE "seconds idle, signon time";
    318 RPL_ENDOFWHOIS "End of /WHOIS list";
    319 RPL_WHOISCHANNELS "";
    320 RPL_WHOISSPECIAL "";
    321 RPL_LISTSTART "Users  Name";
    322 RPL_LIST "";
    323 RPL_LISTEND "End of /LIST";
    324 RPL_CHANNELMODEIS "";
    329 RPL_CREATIONTIME "";
    330 RPL_WHOISACCOUNT "is logged in as";
    331 RPL_NOTOPIC "No topic is set";
    332 RPL_TOPIC "";
    333 RPL_TOPICWHOTIME "";
    335 RPL_WHOISBOT "is a bot";
    336 RPL_INVITELIST "";
    337 RPL_ENDOFINVITELIST "End of /INVITE list";
    338 RPL_WHOISACTUALLY "is actually using host";
    341 RPL_INVITING "";
    346 RPL_INVEXLIST "";
    347 RPL_ENDOFINVEXLIST "End of channel invite exception list";
    348 RPL_EXCEPTLIST "";
    349 RPL_ENDOFEXCEPTLIST "End of channel exception list";
    351 RPL_VERSION "";
    352 RPL_WHOREPLY "";
    353 RPL_NAMREPLY "";
    354 RPL_WHOSPCRPL "";
    364 RPL_LINKS "";
    365 RPL_ENDOFLINKS "End of /LINKS list";
    366 RPL_ENDOFNAMES "End of /NAMES list";
    367 RPL_BANLIST "";
    368 RPL_ENDOFBANLIST "End of channel ban list";
    369 RPL_ENDOFWHOWAS "End of WHOWAS";
    371 RPL_INFO "";
    372 RPL_MOTD "";
    374 RPL_ENDOFINFO "End of INFO list";
    375 RPL_MOTDSTART "";
    376 RPL_ENDOFMOTD "End of /MOTD command.";
    378 RPL_WHOISHOST "";
    379 RPL_WHOISMODES "";
    381 RPL_YOUREOPER "You are now an IRC operator";
    382 RPL_REHASHING "Rehashing";
    391 RPL_TIME "";
    396 RPL_VISIBLEHOST "is now your displayed host";
    400 ERR_UNKNOWNERROR "The command could not be carried out";
    401 ERR_NOSUCHNICK "No such nick/channel";
    402 ERR_NOSUCHSERVER "No such server";
    403 ERR_NOSUCHCHANNEL "No such channel";
    404 ERR_CANNOTSENDTOCHAN "Cannot send to channel";
    405 ERR_TOOMANYCHANNELS "You have joined too many channels";
    406 ERR_WASNOSUCHNICK "There was no such nickname";
    407 ERR_TOOMANYTARGETS "Too many targets";
    409 ERR_NOORIGIN "No origin specified";
    410 ERR_INVALIDCAPCMD "Invalid CAP command";
    411 ERR_NORECIPIENT "No recipient given";
    412 ERR_NOTEXTTOSEND "No text to send";
    415 ERR_BADMASK "Bad mask";
    416 ERR_TOOMANYMATCHES "Too many matches, be more specific";
    417 ERR_INPUTTOOLONG "Input line was too long";
    421 ERR_UNKNOWNCOMMAND "Unknown command";
    422 ERR_NOMOTD "MOTD File is missing";
    423 ERR_NOADMININFO "No administrative info available";
    431 ERR_NONICKNAMEGIVEN "No nickname given";
    432 ERR_ERRONEUSNICKNAME "Erroneous nickname";
    433 ERR_NICKNAMEINUSE "Nickname is already in use";
    436 ERR_NICKCOLLISION "Nickname collision";
    437 ERR_UNAVAILRESOURCE "Nick/channel is temporarily unavailable";
    438 ERR_NICKTOOFAST "";
    439 ERR_TARGETTOOFAST "Message target change too fast, please wait";
    441 ERR_USERNOTINCHANNEL "They aren't on that channel";
    442 ERR_NOTONCHANNEL "You're not on that channel";
    443 ERR_USERONCHANNEL "is already on channel";
    445 ERR_SUMMONDISABLED "SUMMON has been disabled";
    446 ERR_USERSDISABLED "USERS has been disabled";
    447 ERR_NONICKCHANGE "Nick changes are not allowed here";
    451 ERR_NOTREGISTERED "You have not registered";
    461 ERR_NEEDMOREPARAMS "Not enough parameters";
    462 ERR_ALREADYREGISTERED "You may not reregister";
    463 ERR_NOPERMFORHOST "Your host isn't among the privileged";
    464 ERR_PASSWDMISMATCH "Password incorrect";
    465 ERR_YOUREBANNEDCREEP "You are banned from this server";
    468 ERR_INVALIDUSERNAME "Your user name is not valid";
    470 ERR_LINKCHANNEL "Forwarding to another channel";
    471 ERR_CHANNELISFULL "Cannot join channel (+l)";
    472 ERR_UNKNOWNMODE "is unknown mode char to me";
    473 ERR_INVITEONLYCHAN "Cannot join channel (+i)";
    474 ERR_BANNEDFROMCHAN "Cannot join channel (+b)";
    475 ERR_BADCHANNELKEY "Cannot join channel (+k)";
    476 ERR_BADCHANMASK "Bad channel mask";
    477 ERR_NEEDREGGEDNICK "You need to be logged in to an account";
    478 ERR_BANLISTFULL "Channel list is full";
    481 ERR_NOPRIVILEGES "Permission denied: you're not an IRC operator";
    482 ERR_CHANOPRIVSNEEDED "You're not channel operator";
    483 ERR_CANTKILLSERVER "You can't kill a server!";
    484 ERR_RESTRICTED "Your connection is restricted";
    489 ERR_SECUREONLYCHAN "Cannot join channel (+z): a secure connection is required";
    491 ERR_NOOPERHOST "No operator entry for your host";
    501 ERR_UMODEUNKNOWNFLAG "Unknown MODE flag";
    502 ERR_USERSDONTMATCH "Can't change mode for other users";
    524 ERR_HELPNOTFOUND "No help available on this topic";
    525 ERR_INVALIDKEY "Key is not well-formed";
    531 ERR_CANTSENDTOUSER "You cannot send messages to this user";
    670 RPL_STARTTLS "STARTTLS successful, proceed with TLS handshake";
    671 RPL_WHOISSECURE "is using a secure connection";
    691 ERR_STARTTLS "STARTTLS failed";
    696 ERR_INVALIDMODEPARAM "Invalid mode parameter";
    697 ERR_LISTMODEALREADYSET "Channel list already contains this mask";
    698 ERR_LISTMODENOTSET "Channel list does not contain this mask";
    704 RPL_HELPSTART "";
    705 RPL_HELPTXT "";
    706 RPL_ENDOFHELP "End of /HELP";
    707 ERR_TARGCHANGE "Targets changing too fast, message dropped";
    710 RPL_KNOCK "has asked for an invite";
    711 RPL_KNOCKDLVR "Your knock has been delivered";
    712 ERR_TOOMANYKNOCK "Too many knocks";
    713 ERR_CHANOPEN "Channel is open";
    714 ERR_KNOCKONCHAN "You are already on that channel";
    723 ERR_NOPRIVS "Insufficient oper privileges.";
    728 RPL_QUIETLIST "";
    729 RPL_ENDOFQUIETLIST "End of channel quiet list";
    730 RPL_MONONLINE "";
    731 RPL_MONOFFLINE "";
    732 RPL_MONLIST "";
    733 RPL_ENDOFMONLIST "End of MONITOR list";
    734 ERR_MONLISTFULL "Monitor list is full";
    742 ERR_MLOCKRESTRICTED "This mode is locked";
    760 RPL_WHOISKEYVALUE "";
    761 RPL_KEYVALUE "";
    766 RPL_KEYNOTSET "key not set";
    770 RPL_METADATASUBOK "";
    771 RPL_METADATAUNSUBOK "";
    772 RPL_METADATASUBS "";
    774 RPL_METADATASYNCLATER "";
    900 RPL_LOGGEDIN "You are now logged in";
    901 RPL_LOGGEDOUT "You are now logged out";
    902 ERR_NICKLOCKED "You must use a nick assigned to you";
    903 RPL_SASLSUCCESS "SASL authentication successful";
    904 ERR_SASLFAIL "SASL authentication failed";
    905 ERR_SASLTOOLONG "SASL message too long";
    906 ERR_SASLABORTED "SASL authentication aborted";
    907 ERR_SASLALREADY "You have already authenticated using SASL";
    908 RPL_SASLMECHS "are available SASL mechanisms";
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{collections::BTreeSet, format};

    #[test]
    fn codes_are_three_digits_unique_and_sorted() {
        assert!(ALL.iter().all(|numeric| (1..=999).contains(&numeric.code())));
        assert!(ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
    }

    #[test]
    fn names_are_unique_and_tell_replies_from_errors() {
        let names: BTreeSet<_> = ALL.iter().map(Numeric::name).collect();
        assert_eq!(names.len(), ALL.len());
        for numeric in ALL {
            let may_be_error = (400..=599).contains(&numeric.code()) || numeric.code() >= 690;
            let well_named = match numeric.name().split_once('_') {
                Some(("RPL", _)) => !(400..=599).contains(&numeric.code()),
                Some(("ERR", _)) => may_be_error,
                _ => false,
            };
            assert!(well_named, "{numeric:?}");
        }
    }

    #[test]
    fn texts_fit_any_line_and_break_none() {
        for numeric in ALL {
            assert!(numeric.text().len() <= 80, "{numeric:?}");
            assert!(numeric.text().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }

    #[test]
    fn every_code_finds_its_numeric() {
        for numeric in ALL {
            assert_eq!(Numeric::from_code(numeric.code()), Some(numeric));
        }
        assert_eq!(Numeric::from_code(999), None);
        assert_eq!(format!("{RPL_WELCOME:?}"), "001 RPL_WELCOME");
    }
}

//! Accounts and usage as JSON, for the command line and the pages of operators. No token is in them.

use serde::{Serialize, Serializer};

use crate::account::{Account, AccountId};
use crate::time::{Day, Moment, Month};
use crate::usage::Usage;

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.get())
    }
}

/// The text that `Display` gives.
macro_rules! serialize_as_text {
    ($($time:ty),*) => {
        $(impl Serialize for $time {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        })*
    };
}
serialize_as_text!(Moment, Day, Month);

/// `{"id":1,"name":"alice","subscription":"Windlass","admin":false,"rows_limit":1000,
/// "rows_topped_up":0,"rows_used":3,"rows_left":997,"month":"2026-11","created":"…","revoked":null}`.
impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            id: AccountId,
            name: &'a str,
            subscription: &'a str,
            admin: bool,
            rows_limit: u64,
            rows_topped_up: u64,
            rows_used: u64,
            rows_left: u64,
            month: Month,
            created: Moment,
            revoked: Option<Moment>,
        }
        Shown {
            id: self.id,
            name: &self.name,
            subscription: &self.subscription,
            admin: self.is_admin,
            rows_limit: self.balance.rows_limit,
            rows_topped_up: self.balance.topped_up,
            rows_used: self.balance.used,
            rows_left: self.balance.left(),
            month: self.balance.month,
            created: self.created,
            revoked: self.revoked,
        }
        .serialize(serializer)
    }
}

/// `{"day":"2026-11-26","token_id":1,"token":"alice","table":"anchors","requests":2,"rows":13}`; `token` is
/// the name of the account.
impl Serialize for Usage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            day: Day,
            token_id: AccountId,
            token: &'a str,
            table: &'a str,
            requests: u64,
            rows: u64,
        }
        Shown {
            day: self.day,
            token_id: self.account,
            token: &self.name,
            table: &self.table,
            requests: self.requests,
            rows: self.rows,
        }
        .serialize(serializer)
    }
}

//! The part that a column plays, and the class of a table. Detectors ask for roles, never for names.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the word used in `unseed.toml`, the case file and reports.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Reads that word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.as_str()) }
        }
    };
}

words! {
    /// The part that a column plays in its table.
    Role {
        /// Identifies the row.
        Key = "key",
        /// Names a row of another table.
        Reference = "reference",
        /// Names the table that a polymorphic reference points into.
        ReferenceType = "reference-type",
        /// An e-mail address.
        Email = "email",
        /// A login or display handle.
        Username = "username",
        /// A person's whole name.
        PersonName = "person-name",
        /// A given name.
        GivenName = "given-name",
        /// A family name.
        FamilyName = "family-name",
        /// An organisation's name.
        Company = "company",
        /// A telephone number.
        Phone = "phone",
        /// Street and house number, or a whole postal address.
        Street = "street",
        /// A town.
        City = "city",
        /// A state, province or district.
        Region = "region",
        /// A country's name or code.
        Country = "country",
        /// A postal code.
        PostalCode = "postal-code",
        /// A password or its hash.
        Credential = "credential",
        /// A secret or random token.
        Token = "token",
        /// An id handed out by another system: an OAuth subject, a payment provider's reference.
        ExternalId = "external-id",
        /// A web address.
        Url = "url",
        /// A picture's address or file name.
        ImageUrl = "image-url",
        /// An IP address.
        Ip = "ip",
        /// A browser's user agent.
        UserAgent = "user-agent",
        /// When the row came to be.
        CreatedAt = "created-at",
        /// When the row last changed.
        UpdatedAt = "updated-at",
        /// When the person or thing was last active.
        ActivityAt = "activity-at",
        /// When the row was marked as deleted.
        DeletedAt = "deleted-at",
        /// When something began.
        StartAt = "start-at",
        /// When something ended.
        EndAt = "end-at",
        /// How long it took.
        Duration = "duration",
        /// Another point in time.
        Time = "time",
        /// A date of birth.
        BirthDate = "birth-date",
        /// An amount of money.
        Amount = "amount",
        /// A currency code.
        Currency = "currency",
        /// Another number: a count, size, score.
        Quantity = "quantity",
        /// Yes or no.
        Flag = "flag",
        /// Says that the row belongs to a test mode or demo (`livemode`, `is_demo`).
        ModeFlag = "mode-flag",
        /// One of a few words: status, kind, plan.
        Category = "category",
        /// What the account may do: `role`, `is_admin`.
        Privilege = "privilege",
        /// A locale, language or time zone.
        Locale = "locale",
        /// A short heading or a thing's name.
        Title = "title",
        /// Sentences.
        Text = "text",
        /// A code: SKU, slug, file name, checksum.
        Code = "code",
        /// A JSON document or array.
        Json = "json",
        /// Bytes.
        Binary = "binary",
        /// A latitude or longitude.
        Coordinate = "coordinate",
        /// Always NULL, or nothing that could be told.
        Unknown = "unknown",
    }
}

impl Role {
    /// Returns whether the column holds points in time.
    #[must_use]
    pub const fn is_time(self) -> bool {
        matches!(self, Self::CreatedAt | Self::UpdatedAt | Self::ActivityAt | Self::DeletedAt | Self::StartAt | Self::EndAt | Self::Time)
    }
}

words! {
    /// What kind of thing a table's rows are.
    TableClass {
        /// Accounts, customers, members.
        People = "people",
        /// What people do: sessions, logins, events.
        Activity = "activity",
        /// Payments, refunds, invoices, orders.
        Money = "money",
        /// What people make: posts, reports, messages.
        Content = "content",
        /// Small tables that others need: roles, plans, countries.
        Reference = "reference",
        /// Who did what when, kept for the record.
        Audit = "audit",
        /// Pairs of keys.
        Link = "link",
        /// The schema's own bookkeeping: migrations, jobs, settings.
        System = "system",
        /// Archive and ledger tables that an applied delete script left behind.
        Leftover = "leftover",
        /// Nothing of the above could be told.
        Other = "other",
    }
}

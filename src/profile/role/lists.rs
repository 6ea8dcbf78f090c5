//! Lists that a column's values are looked up in.

use crate::model::Role;

/// ISO 4217 codes of currencies in wide use.
///
/// Source: ISO 4217:2015 list one; the currencies of the 60 largest economies and two common crypto units.
pub(super) const CURRENCIES: &[&str] = &[
    "USD", "EUR", "GBP", "JPY", "CNY", "INR", "AUD", "CAD", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "HRK", "RSD",
    "UAH", "RUB", "TRY", "ILS", "AED", "SAR", "QAR", "KWD", "EGP", "ZAR", "NGN", "KES", "GHS", "MAD", "BRL", "MXN", "ARS", "CLP", "COP",
    "PEN", "UYU", "VND", "THB", "IDR", "MYR", "SGD", "PHP", "HKD", "TWD", "KRW", "NZD", "PKR", "BDT", "LKR", "KZT", "GEL", "ISK", "BTC",
    "ETH",
];

/// Forms of address, without a full stop, in lower case.
///
/// Source: English, German, French and Spanish letters.
pub(super) const HONORIFICS: &[&str] =
    &["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "madam", "herr", "frau", "m", "mme", "mlle", "sr", "sra", "srta"];

/// Names of languages, in lower case.
///
/// Source: the 50 languages with the most speakers (Ethnologue 2023), as English names them.
pub(super) const LANGUAGES: &[&str] = &[
    "english",
    "mandarin",
    "chinese",
    "hindi",
    "spanish",
    "french",
    "arabic",
    "bengali",
    "portuguese",
    "russian",
    "urdu",
    "indonesian",
    "german",
    "japanese",
    "marathi",
    "telugu",
    "turkish",
    "tamil",
    "cantonese",
    "vietnamese",
    "tagalog",
    "korean",
    "persian",
    "farsi",
    "hausa",
    "swahili",
    "javanese",
    "italian",
    "punjabi",
    "gujarati",
    "thai",
    "kannada",
    "polish",
    "ukrainian",
    "dutch",
    "romanian",
    "greek",
    "czech",
    "swedish",
    "hungarian",
    "hebrew",
    "danish",
    "finnish",
    "norwegian",
    "slovak",
    "bulgarian",
    "croatian",
    "serbian",
    "lithuanian",
    "catalan",
];

/// Tables whose rows' names have a role of their own.
pub(super) const PLACES: &[(&str, Role)] =
    &[("city", Role::City), ("town", Role::City), ("country", Role::Country), ("region", Role::Region), ("company", Role::Company)];

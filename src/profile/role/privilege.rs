//! Words that give an account power over others.

use crate::profile::facts::ColumnFacts;

/// Words that give an account power over others.
///
/// Source: default role names of Rails (Devise, Rolify), Laravel (Spatie), Django (`is_staff`,
/// `is_superuser`), WordPress, Keycloak, Supabase and Prisma examples.
const PRIVILEGED: &[&str] = &[
    "admin",
    "administrator",
    "superadmin",
    "super_admin",
    "super-admin",
    "superuser",
    "super_user",
    "root",
    "sysadmin",
    "system",
    "staff",
    "employee",
    "moderator",
    "mod",
    "support",
    "operator",
    "owner",
    "internal",
    "webmaster",
    "service",
    "service_role",
    "site_admin",
];

/// Returns whether a value of a privilege column means power over others; `flag` says that the column
/// is a yes or no.
#[must_use]
pub fn is_privileged(value: &str, flag: bool) -> bool {
    let lower = value.trim().to_ascii_lowercase();
    if flag {
        return matches!(lower.as_str(), "t" | "true" | "1" | "y" | "yes");
    }
    let last = lower.rsplit(['_', '.', ':', '/']).next().unwrap_or_default();
    PRIVILEGED.contains(&lower.as_str()) || PRIVILEGED.contains(&last) || lower.contains("admin")
}

/// Returns whether values that come again and again are roles of accounts.
pub(super) fn are_roles(facts: &ColumnFacts) -> bool {
    let power = facts.top.iter().filter(|(v, _)| PRIVILEGED.contains(&v.to_ascii_lowercase().as_str())).count();
    let plain = [
        "user",
        "member",
        "customer",
        "guest",
        "client",
        "subscriber",
        "reader",
        "student",
        "viewer",
        "editor",
        "author",
        "free",
        "basic",
        "standard",
    ];
    let known = facts.top.iter().any(|(v, _)| plain.contains(&v.to_ascii_lowercase().as_str()));
    // "support" and "service" alone are departments or ticket kinds; beside "user" they are roles.
    let strong = facts.top.iter().any(|(v, _)| v.to_ascii_lowercase().contains("admin") || v.eq_ignore_ascii_case("superuser"));
    strong || (power > 0 && known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(values: &[&str]) -> ColumnFacts {
        ColumnFacts {
            rows: values.len(),
            distinct: values.len(),
            top: values.iter().map(|v| ((*v).to_owned(), 1)).collect(),
            ..ColumnFacts::default()
        }
    }

    #[test]
    fn ticket_departments_are_no_privileges() {
        assert!(!are_roles(&facts(&["support", "billing", "sales"])));
        assert!(are_roles(&facts(&["support", "user"])));
        assert!(are_roles(&facts(&["ADMIN", "x"])));
    }
}

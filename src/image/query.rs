//! Queries: what a listing shows, in which order, and how much of it at a time.
//!
//! A query is a plain value that can be kept and used again; it finds nothing by itself.

use super::Cursor;
use super::text::Words;
use crate::key::CatalogCourseKey;
use crate::model::{Field, Invalid};

/// The order of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// By key, ignoring case: organizations by short name; catalog courses by organization and
    /// code; course runs by organization, course code and course key.
    Key,
    /// Newest first, as upstream orders; what was created in the same microsecond, by key.
    #[default]
    Newest,
}

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The records of this page, in order.
    pub items: Vec<T>,
    /// Where the next page starts; `None` when this is the last one.
    pub next: Option<Cursor>,
}

/// How much of a listing to show: shared by every query.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) order: Order,
    limit: usize,
    pub(super) after: Option<Cursor>,
}

/// The length of a page when none is asked for.
pub(super) const DEFAULT_LIMIT: usize = 100;
/// The longest page.
pub(super) const MAX_LIMIT: usize = 1_000;

impl Default for Window {
    fn default() -> Self {
        Self {
            order: Order::default(),
            limit: DEFAULT_LIMIT,
            after: None,
        }
    }
}

impl Window {
    /// The limit, if it is one.
    pub(super) fn limit(&self) -> Result<usize, Invalid> {
        if (1..=MAX_LIMIT).contains(&self.limit) {
            Ok(self.limit)
        } else {
            Err(Invalid::new(
                Field::Limit,
                format!("The limit {} is not between 1 and {MAX_LIMIT}.", self.limit),
            ))
        }
    }
}

macro_rules! window_methods {
    () => {
        /// Chooses the order; newest first unless told otherwise.
        #[must_use]
        pub fn order(mut self, order: Order) -> Self {
            self.window.order = order;
            self
        }

        /// Sets the most records a page has: 1 to 1000, and 100 unless told otherwise.
        #[must_use]
        pub fn limit(mut self, limit: usize) -> Self {
            self.window.limit = limit;
            self
        }

        /// Starts after the page that this cursor came with.
        #[must_use]
        pub fn after(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
            self.window.after = cursor.into();
            self
        }
    };
}

/// Which organizations to list.
#[derive(Clone, Debug, Default)]
pub struct OrganizationQuery {
    pub(super) text: Words,
    pub(super) window: Window,
}

impl OrganizationQuery {
    /// Every organization.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those in whose short name or name each word of the text occurs, ignoring case.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.text = Words::of(text);
        self
    }

    window_methods!();
}

/// Which catalog courses to list.
///
/// ```
/// use coursecat::{Catalog, CourseQuery, Order};
///
/// let catalog = Catalog::temporary()?;
/// for n in 1..=5 {
///     let key = format!("course-v1:MITx+Math{n}00+2026");
///     catalog.create_course_run_for_modulestore_course_with(&key, "", "")?;
/// }
/// let query = CourseQuery::new().org("mitx").order(Order::Key).limit(2);
/// let mut codes = Vec::new();
/// let mut page = catalog.list_catalog_courses(&query)?;
/// loop {
///     codes.extend(page.items.iter().map(|course| course.course_code.to_string()));
///     let Some(next) = page.next else { break };
///     page = catalog.list_catalog_courses(&query.clone().after(next))?;
/// }
/// assert_eq!(codes, ["Math100", "Math200", "Math300", "Math400", "Math500"]);
/// # Ok::<(), coursecat::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CourseQuery {
    pub(super) org: Option<String>,
    pub(super) course_code: Option<String>,
    pub(super) language: Option<String>,
    pub(super) text: Words,
    pub(super) window: Window,
}

impl CourseQuery {
    /// Every catalog course.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those of this organization, ignoring case.
    #[must_use]
    pub fn org(mut self, short_name: impl Into<String>) -> Self {
        self.org = Some(short_name.into());
        self
    }

    /// Only those with this course code, ignoring case.
    #[must_use]
    pub fn course_code(mut self, course_code: impl Into<String>) -> Self {
        self.course_code = Some(course_code.into());
        self
    }

    /// Only those in this language: a full code (`en-us`) or a short one (`en`, which takes in
    /// `en-us` and `en-gb`; `zh_HANS`).
    #[must_use]
    pub fn language(mut self, code: impl Into<String>) -> Self {
        self.language = Some(code.into());
        self
    }

    /// Only those in whose title, course code or organization each word of the text occurs,
    /// ignoring case.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.text = Words::of(text);
        self
    }

    window_methods!();
}

/// Which course runs to list.
#[derive(Clone, Debug, Default)]
pub struct RunQuery {
    pub(super) org: Option<String>,
    pub(super) course: Option<CatalogCourseKey>,
    pub(super) text: Words,
    pub(super) window: Window,
}

impl RunQuery {
    /// Every course run.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those whose catalog course belongs to this organization, ignoring case.
    #[must_use]
    pub fn org(mut self, short_name: impl Into<String>) -> Self {
        self.org = Some(short_name.into());
        self
    }

    /// Only those of this catalog course: the organization ignoring case, the code exactly.
    #[must_use]
    pub fn course(mut self, key: CatalogCourseKey) -> Self {
        self.course = Some(key);
        self
    }

    /// Only those in whose title, organization, course code or run code each word of the text
    /// occurs, ignoring case; a word with one of `:+/@` may occur anywhere in the course key.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.text = Words::of(text);
        self
    }

    window_methods!();
}

//! Promise: what a rule refuses gives its error, in a sentence that names the value, and leaves
//! the stored state byte for byte as it was.
//!
//! One table has a row for each refusal. The whole of it is tried on a catalog in a folder, in
//! several states and with several options, and then every row of the store is compared with what
//! it was before, the account of commits among them.

#[path = "support/stored.rs"]
mod stored;
mod support;
#[path = "refusals/table.rs"]
mod table;

use coursecat::{Catalog, CreateCatalogCourse, Field, Options, Snapshot};
use support::Kept;
use table::{
    RUN, Refusal, VERSION, furnish, furnish_many, limits, long, modulestore, refused_anywhere,
    refused_when_furnished, refused_when_there_are_many, refused_with_allowed_languages,
    refused_without_auto_create,
};

/// All that can be read of a catalog.
fn content(catalog: &Catalog) -> Vec<String> {
    let snapshot: Snapshot = catalog.snapshot();
    let referrers = |key: String| {
        // An org may have a colon in it: then its course's key reads as another's.
        let referrers = snapshot.list_references(&key);
        format!("{key} is referred to by {referrers:?}")
    };
    let organizations = snapshot.organizations().map(|o| format!("{o:?}"));
    let courses = snapshot.catalog_courses();
    let courses = courses.flat_map(|c| [format!("{c:?}"), referrers(c.key().to_string())]);
    let runs = snapshot.course_runs();
    let runs = runs.flat_map(|r| [format!("{r:?}"), referrers(r.course_key.to_string())]);
    organizations.chain(courses).chain(runs).collect()
}

/// Tries a whole table, and compares everything before and after it.
fn check(furnish: impl Fn(&Catalog), options: Options, table: &[Refusal]) {
    let kept = Kept::in_a_folder();
    let catalog = kept.open(Options::new()).unwrap();
    furnish(&catalog);
    drop(catalog);
    let rows = stored::rows(kept.path());
    let ledger = ("meta".to_owned(), b"ledger".to_vec());
    assert!(rows.contains_key(&ledger), "no account of the commits");

    let catalog = kept.open(options).unwrap();
    let before = content(&catalog);
    for refusal in table {
        refusal.check(&catalog);
    }
    assert_eq!(content(&catalog), before);
    let report = catalog.verify().unwrap();
    assert!(report.is_clean(), "{report}");
    drop(catalog);
    assert!(
        stored::rows(kept.path()) == rows,
        "the stored rows have changed"
    );
}

#[test]
fn an_empty_catalog_stays_as_it_is() {
    check(|_| {}, Options::new(), &refused_anywhere());
}

#[test]
fn a_furnished_catalog_stays_as_it_is() {
    let mut table = refused_anywhere();
    table.extend(refused_when_furnished());
    check(furnish, Options::new(), &table);
}

#[test]
fn a_large_catalog_stays_as_it_is() {
    let furnish = |catalog: &Catalog| {
        furnish(catalog);
        furnish_many(catalog);
    };
    let mut table = refused_when_furnished();
    table.extend(refused_when_there_are_many());
    check(furnish, Options::new(), &table);
}

#[test]
fn a_catalog_without_auto_create_stays_as_it_is() {
    let options = || Options::new().auto_create_organizations(false);
    let mut table = refused_anywhere();
    table.extend(refused_without_auto_create());
    // Here a language or a length is not looked at where the organization is refused already.
    table.retain(|refusal| {
        refusal.field.is_none()
            || !matches!(refusal.field, Some(Field::ShortName | Field::LanguageShort))
    });
    check(furnish, options(), &table);
}

#[test]
fn a_catalog_with_allowed_languages_stays_as_it_is() {
    let options = Options::new()
        .allowed_languages(["zh_HANS", "fr", "en"])
        .unwrap();
    check(furnish, options, &refused_with_allowed_languages());
}

/// The other side of each limit: what is just allowed is done.
#[test]
fn what_is_as_long_as_it_may_be_is_taken() {
    for (field, most, call) in limits() {
        let catalog = Catalog::temporary().unwrap();
        furnish(&catalog);
        call(&catalog, most).unwrap_or_else(|error| panic!("{field} of {most}: {error}"));
    }
}

#[test]
fn what_only_looks_like_a_conflict_is_taken() {
    let catalog = Catalog::temporary().unwrap();
    furnish(&catalog);
    let stays = |key: &str| {
        let made = catalog.call(modulestore(key));
        let made = made.unwrap_or_else(|error| panic!("{key}: {error}"));
        assert!(!made.already_existed(), "{key}");
        assert_eq!(made.value.course_key.as_str(), key);
    };
    // Custom courses share the run code of their base, and tell their numbers by the text.
    stays("ccx-v1:MITx+Math100+2026+ccx@2");
    stays("ccx-v1:MITx+Math100+2026+ccx@01");
    stays("ccx-v1:MITx+Math100+old+ccx@1");
    stays("course-v1:CcxOnly+C+1");
    // So do slash keys of organizations that begin with "ccx".
    stays("ccxOrg/C/1");
    // Run codes differ by case, accents and compatibility forms; organizations by accents.
    stays("course-v1:MITx+Math100+OLD");
    stays("course-v1:École+Maths+ete");
    stays("course-v1:Ecole+Maths+été");
    stays("course-v1:Straße+C+1");
    stays("course-v1:STRASSE+C+1");
    stays("course-v1:Σας+C+1");
    stays("course-v1:ΣΑΣ+C+1");
    // A run that exists comes back, and nothing else of the call is looked at.
    let again = modulestore(format!("{RUN}+branch@{}", long(300))).title(long(300));
    assert!(
        catalog
            .call(again.language_short("??"))
            .unwrap()
            .already_existed()
    );
    // An existing course is not asked for its language.
    let run = modulestore("course-v1:MITx+Math100+new").language_short("??");
    assert!(!catalog.call(run).unwrap().already_existed());
    // Capitalisation may change where runs are, all of it where none are.
    catalog.rename_organization("MITx", "MITX").unwrap();
    catalog.rename_organization("Plain", "Fancy").unwrap();
    catalog.rename_organization("École", "ÉCOLE").unwrap();
    // An organization by itself, and a course with nothing that depends on it, can go.
    catalog.delete_organization("Bare").unwrap();
    catalog
        .delete_catalog_course("catalog-course:Fancy:x:y")
        .unwrap();
    // A reference can be given twice and is one.
    assert!(!catalog.add_reference("MITx/Math100/old", "lms").unwrap());
    catalog.remove_reference("MITx/Math100/old", "lms").unwrap();
    catalog.delete_course_run("MITx/Math100/old").unwrap();
}

#[test]
fn without_auto_create_what_needs_no_organization_is_taken() {
    let kept = Kept::in_a_folder();
    furnish(&kept.open(Options::new()).unwrap());
    let options = Options::new().auto_create_organizations(false);
    let catalog = kept.open(options).unwrap();
    // The course exists, so that its organization's being inactive does not matter.
    catalog.call(modulestore("course-v1:Asleep+Old+2")).unwrap();
    assert!(!catalog.get_organization("Asleep").unwrap().active);
    // A plain creation asks for an organization, active or not.
    catalog
        .call(CreateCatalogCourse::new("asleep", "New"))
        .unwrap();
    catalog.call(modulestore("course-v1:Bare+New+1")).unwrap();
}

#[test]
fn messages_show_texts_and_no_names_of_types() {
    let catalog = Catalog::temporary().unwrap();
    furnish(&catalog);
    for refusal in refused_anywhere()
        .into_iter()
        .chain(refused_when_furnished())
    {
        let error = (refusal.call)(&catalog).unwrap_err().to_string();
        assert!(!error.contains("(\""), "{}: {error}", refusal.at);
    }
}

#[test]
fn a_key_without_a_run_is_quoted_as_it_was_given() {
    let catalog = Catalog::temporary().unwrap();
    for key in [
        format!("course-v1:MITx+Math100+version@{VERSION}"),
        format!("course-v1:branch@draft+version@{VERSION}"),
        format!("slashes:version@{VERSION}"),
    ] {
        let error = catalog.get_course_run(&key).unwrap_err();
        assert!(error.to_string().contains(&format!("{key:?}")), "{error}");
    }
}

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::store::Store;

use super::trial::{Task, Trial};

type Check = for<'a> fn(&'a Trial) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// One promise of the store's traits.
#[derive(Clone, Copy)]
pub struct Promise {
    name: &'static str,
    check: Check,
}

impl Promise {
    /// The promise as the name of its function.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Puts the store on trial.
    ///
    /// # Panics
    ///
    /// If the store breaks the promise.
    pub async fn check(&self, trial: &Trial) {
        (self.check)(trial).await;
    }
}

impl fmt::Debug for Promise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Promise({})", self.name)
    }
}

/// Every promise there is.
pub const PROMISES: &[Promise] = crate::store_contract_tests!(@each promises ());

/// Puts a fresh store on trial for every promise; `spawn` is as for [`Trial::new`].
///
/// ```
/// use std::sync::Arc;
///
/// use oauth_for_mcp::store::{MemoryStore, Store, contract};
///
/// async fn fresh() -> Arc<dyn Store> {
///     Arc::new(MemoryStore::new())
/// }
///
/// # #[tokio::main]
/// # async fn main() {
/// contract::run_all(fresh, |task| {
///     tokio::spawn(task);
/// })
/// .await;
/// # }
/// ```
///
/// # Panics
///
/// At the first promise that is broken.
pub async fn run_all<F>(
    mut fresh: impl FnMut() -> F,
    spawn: impl Fn(Task) + Clone + Send + Sync + 'static,
) where
    F: Future<Output = Arc<dyn Store>>,
{
    for promise in PROMISES {
        let trial = Trial::new(fresh().await, spawn.clone());
        promise.check(&trial).await;
    }
}

/// Makes a test of each promise in [`store::contract`](crate::store::contract).
///
/// The argument is an expression for a fresh store, evaluated for each test in
/// an async function, so that it may `.await`. The tests run on a tokio runtime
/// of several threads, so the crate that uses this needs tokio with the features
/// `macros` and `rt-multi-thread` among its dev-dependencies. Each use needs a
/// module of its own.
///
/// ```
/// mod memory {
///     use oauth_for_mcp::store::MemoryStore;
///
///     oauth_for_mcp::store_contract_tests!(MemoryStore::new());
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! store_contract_tests {
    (@each $what:ident $with:tt) => {
        $crate::store_contract_tests! { @$what $with [
            a_client_is_found_exactly_as_it_was_stored
            inserting_a_client_never_overwrites_one
            of_concurrent_insertions_of_a_client_one_is_done
            a_client_is_updated_only_as_it_was_read
            updating_an_absent_client_stores_nothing
            of_concurrent_updates_of_a_client_one_is_done
            a_client_is_removed_once
            of_concurrent_removals_one_forgets_the_client
            a_removed_client_leaves_its_grants
            a_removed_client_can_be_inserted_again
            clients_that_registered_themselves_are_counted
            counting_clients_ends_at_the_most
            forgotten_clients_are_not_counted
            concurrent_registrations_are_all_counted
            a_pending_request_is_found_exactly_as_it_was_stored
            inserting_a_pending_request_never_overwrites_one
            an_expired_pending_request_is_absent
            a_pending_request_is_taken_once
            of_concurrent_takes_one_gets_the_pending_request
            a_code_is_found_exactly_as_it_was_stored
            inserting_a_code_never_overwrites_one
            an_expired_code_is_absent
            a_redemption_stores_everything_it_issued
            a_redemption_may_issue_no_tokens
            a_redeemed_code_shows_its_grant
            a_code_is_redeemed_once
            redeeming_an_absent_code_stores_nothing
            of_concurrent_redemptions_one_is_done
            an_expired_grant_is_absent_with_its_tokens
            a_revoked_grant_is_absent_with_its_tokens
            a_revoked_grant_is_absent_with_its_rotated_tokens
            a_grant_is_revoked_once
            revoking_an_unknown_grant_ends_nothing
            of_concurrent_revocations_one_ends_the_grant
            a_grant_is_resealed_only_as_it_was_read
            an_inserted_grant_is_stored_with_all_it_issued
            a_grant_may_be_inserted_without_tokens
            inserting_a_grant_never_overwrites_one
            of_concurrent_insertions_of_a_grant_one_is_done
            an_inserted_grant_is_listed_rotated_and_revoked
            an_inserted_grant_expires
            an_inserted_grant_holds_its_client
            grants_are_listed_by_subject_and_by_client
            a_list_of_grants_comes_in_pages
            a_list_of_grants_has_only_live_ones
            a_resealed_grant_is_listed_under_its_new_hash
            an_expired_access_token_is_absent
            an_unknown_access_token_is_absent
            an_expired_refresh_token_is_absent
            a_rotation_stores_everything_it_issued
            a_rotation_moves_the_expiry
            a_rotation_may_bring_the_end_forward
            a_token_that_is_not_valid_is_not_rotated
            of_concurrent_rotations_one_is_done
            a_rotation_in_an_absent_grant_stores_nothing
            a_revocation_among_rotations_leaves_no_token
            an_identifier_is_used_once
            identifiers_are_told_apart
            a_used_identifier_is_as_new_once_its_time_has_come
            of_concurrent_uses_one_is_the_first
            a_sweep_keeps_uses_that_count
            an_api_key_is_found_exactly_as_it_was_stored
            inserting_an_api_key_never_overwrites_one
            of_concurrent_insertions_of_an_api_key_one_is_done
            an_expired_api_key_is_absent
            an_api_key_without_an_end_stays
            a_removed_api_key_is_absent
            an_api_key_is_removed_once
            of_concurrent_removals_one_removes_the_api_key
            a_list_of_api_keys_comes_in_pages
            a_list_of_api_keys_has_only_live_ones
            an_api_key_is_resealed_only_as_it_was_read
            a_sweep_forgets_api_keys_that_have_ended
            signing_keys_are_listed_as_they_were_stored
            of_concurrent_signing_keys_one_is_kept
            a_signing_key_is_resealed_only_as_it_was_read
            a_signing_key_is_removed_alone
            a_lease_has_one_holder_until_it_ends
            of_concurrent_holders_one_gets_the_lease
            a_sweep_keeps_to_its_limit
            a_sweep_deletes_only_what_has_expired
            a_sweep_forgets_clients_that_nobody_used
            a_sweep_keeps_clients_that_hold_a_grant
            a_sweep_keeps_preregistered_clients
            a_sweep_forgets_an_updated_client_at_its_new_time
            a_client_updated_while_it_holds_a_grant_is_kept_for_it
        ] }
    };
    (@promises () [$($promise:ident)*]) => {
        &[$(Promise {
            name: stringify!($promise),
            check: |trial| Box::pin($crate::store::contract::$promise(trial)),
        }),*]
    };
    (@tests ($store:expr) [$($promise:ident)*]) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $promise() {
                let store = ::std::sync::Arc::new($store);
                let trial = $crate::store::contract::Trial::new(store, |task| {
                    ::tokio::spawn(task);
                });
                $crate::store::contract::$promise(&trial).await;
            }
        )*
    };
    ($store:expr $(,)?) => {
        $crate::store_contract_tests! { @each tests ($store) }
    };
}

(* HeapWhole.v - C7, the second half: after any trace, with nothing live any more, the heap is what it was at first. *)
From Coq Require Import ZArith List Bool Lia.
From Ashlar Require Import Heap HeapLaws HeapFree.
Import ListNotations.
Open Scope Z_scope.

Section Whole.
Variable least : Z.
Hypothesis least_1 : 1 <= least.
Hypothesis least_3 : least <= 3.
Definition idle (h : heap) : Prop := forall b, In b h -> live b = false.

Lemma free_tail b t lo : ordered least lo (b :: t) -> live b = false -> forall x, free_at t x <-> free_at (b :: t) x /\ stop b <= x.
Proof.
  intros (A & B & C) L x. unfold free_at. split.
  - intros (c & I & Q & X). split; [exists c; simpl; auto|]. pose proof (ordered_ge _ least_1 _ _ _ C I). unfold contains in X. lia.
  - intros [(c & [<-|I] & Q & X) S]; [unfold contains in X; lia|exists c; auto].
Qed.
(* Where the first block ends nothing is free. *)
Lemma stop_not_free b t lo : ordered least lo (b :: t) -> apart (b :: t) -> idle (b :: t) -> ~ free_at (b :: t) (stop b).
Proof.
  intros O A I (c & J & L & X). pose proof (I b (or_introl eq_refl)) as Lb. unfold contains in X. destruct J as [<-|J]; [lia|].
  assert (P : ordered least lo (b :: t)) by exact O. destruct O as (O1 & O2 & O3). pose proof (ordered_ge _ least_1 _ _ _ O3 J).
  exact (touching_free least least_1 (b :: t) lo b c P A (or_introl eq_refl) (or_intror J) Lb L ltac:(lia)).
Qed.
(* A heap of free blocks is determined by which granules are free: there is one way to have them coalesced. *)
Theorem canonical h : forall lo lo' k, ordered least lo h -> apart h -> idle h -> ordered least lo' k -> apart k -> idle k ->
  (forall x, free_at h x <-> free_at k x) -> h = k.
Proof.
  assert (first : forall b t lo x, ordered least lo (b :: t) -> free_at (b :: t) x -> at_ b <= x).
  { intros b t lo x (A & B & C) (c & [<-|I] & _ & X); [unfold contains in X; lia|].
    pose proof (ordered_ge _ least_1 _ _ _ C I). unfold contains, stop in *. lia. }
  assert (begins : forall b t x, live b = false -> at_ b <= x < stop b -> free_at (b :: t) x).
  { intros b t x L X. exists b. simpl. auto. }
  induction h as [|b t IH]; intros lo lo' k O A I O' A' I' E.
  - destruct k as [|c u]; trivial. exfalso. assert (F : free_at (c :: u) (at_ c)).
    { apply begins; [apply I'; simpl; auto|]. destruct O' as (_ & P & _). unfold stop. lia. }
    apply E in F. destruct F as (? & [] & _).
  - assert (Lb : live b = false) by (apply I; simpl; auto).
    assert (Pb : at_ b < stop b) by (destruct O as (_ & P & _); unfold stop; lia).
    destruct k as [|c u].
    + exfalso. assert (F : free_at (b :: t) (at_ b)) by (apply begins; trivial; lia). apply E in F. destruct F as (? & [] & _).
    + assert (Lc : live c = false) by (apply I'; simpl; auto).
      assert (Pc : at_ c < stop c) by (destruct O' as (_ & P & _); unfold stop; lia).
      assert (Ea : at_ b = at_ c).
      { assert (F1 : free_at (b :: t) (at_ c)) by (apply E, begins; trivial; lia).
        assert (F2 : free_at (c :: u) (at_ b)) by (apply E, begins; trivial; lia).
        pose proof (first b t lo _ O F1). pose proof (first c u lo' _ O' F2). lia. }
      assert (Es : stop b = stop c).
      { destruct (Z.lt_trichotomy (stop b) (stop c)) as [L|[L|L]]; trivial; exfalso.
        - apply (stop_not_free b t lo O A I). apply E. apply begins; trivial. lia.
        - apply (stop_not_free c u lo' O' A' I'). apply E. apply begins; trivial. lia. }
      assert (b = c) as <-. { destruct b, c; unfold stop in *; simpl in *. subst. f_equal. lia. }
      f_equal. pose proof (free_tail b t lo O Lb) as T. pose proof (free_tail b u lo' O' Lb) as T'.
      destruct O as (_ & _ & O), O' as (_ & _ & O'), A as [_ A], A' as [_ A'].
      apply (IH (stop b) (stop b)); trivial; [intros x J; apply I; simpl; auto|intros x J; apply I'; simpl; auto|].
      intros x. rewrite T, T', E. reflexivity.
Qed.

(* A trace: requests that are granted, wherever, and blocks that are given back. *)
Inductive trace : heap -> heap -> Prop :=
| at_first h : trace h h
| granted h h1 h2 s need align p n : trace h h1 -> 1 <= align -> least <= need -> take least h1 s need align = Some (p, n, h2) -> trace h h2
| given_back h h1 h2 p : trace h h1 -> release h1 p = Some h2 -> trace h h2.

Lemma live_frame_take h s need align p n h' : ok least h -> 1 <= align -> least <= need -> take least h s need align = Some (p, n, h') ->
  forall x, free_at h' x \/ live_at h' x <-> free_at h x \/ live_at h x.
Proof.
  intros K A N T x. rewrite (take_free least least_1 h h' s need align p n K A N T).
  pose proof (take_exclusive least least_1 least_3 h h' s need align p n K A N T) as (_ & _ & R).
  assert (L : live_at h' x <-> live_at h x \/ p <= x < p + n).
  { pose proof (take_frame least h h' s need align p n K T) as F. split.
    - intros (c & I & L & X). destruct (proj1 (F c) (conj I L)) as [[J _]|E]; [left; exists c; auto|right]. subst c. exact X.
    - intros [(c & I & L & X)|X]; [exists c|exists (Blk p n true)]; (split; [apply F; auto|auto]). }
  rewrite L. destruct (Z_le_dec p x), (Z_lt_dec x (p + n)); specialize (R x); intuition.
Qed.
Lemma live_frame_release h p h' : ok least h -> release h p = Some h' ->
  forall x, free_at h' x \/ live_at h' x <-> free_at h x \/ live_at h x.
Proof.
  intros K R x. rewrite (release_free least least_1 h h' p K R). pose proof (release_frame least least_1 h h' p K R) as F.
  assert (L : live_at h' x <-> exists b, In b h /\ live b = true /\ at_ b <> p /\ contains b x).
  { split; intros (c & I & Q).
    - destruct (proj1 (F c) (conj I (proj1 Q))) as (J & _ & N). exists c. tauto.
    - destruct Q as (Lc & N & X). destruct (proj2 (F c) (conj I (conj Lc N))) as [J _]. exists c. auto. }
  rewrite L. unfold live_at. split.
  - intros [[Q|(b & I & Q)]|(b & I & Q)]; [auto|right|right]; exists b; tauto.
  - intros [Q|(b & I & Lb & X)]; [auto|]. destruct (Z.eq_dec (at_ b) p); [left; right|right]; exists b; auto.
Qed.
(* Whatever took place, the invariants hold and every granule is still free or live. *)
Theorem trace_ok h h' : ok least h -> trace h h' -> ok least h' /\ forall x, free_at h' x \/ live_at h' x <-> free_at h x \/ live_at h x.
Proof.
  intros K T. induction T as [h|h h1 h2 s need align p n T IH A N E|h h1 h2 p T IH E].
  - split; [trivial|tauto].
  - destruct (IH K) as [K1 M]. split; [eapply take_ok; eauto|]. intros x.
    rewrite (live_frame_take h1 s need align p n h2) by trivial. apply M.
  - destruct (IH K) as [K1 M]. split; [eapply release_ok; eauto|]. intros x. rewrite (live_frame_release h1 p h2) by trivial. apply M.
Qed.
(* With nothing live any more, the blocks are those of the beginning: no fragmentation is left. *)
Theorem all_given_back h h' : ok least h -> idle h -> trace h h' -> idle h' -> h' = h.
Proof.
  intros K I T I'. destruct (trace_ok h h' K T) as [[O' A'] M]. destruct K as [O A].
  apply (canonical h' 0 0); trivial. intros x. specialize (M x).
  assert (N : forall k, idle k -> ~ live_at k x) by (intros k Ik (b & J & L & _); rewrite (Ik b J) in L; discriminate).
  pose proof (N h I). pose proof (N h' I'). tauto.
Qed.
End Whole.

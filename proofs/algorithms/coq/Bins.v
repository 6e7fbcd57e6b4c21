(* Bins.v - strategy/free_bins.hpp: lists, a bit a list, and a bit a word of those; at most 64 words.

   The lists are last in, first out. What a block is does not matter: it is a number. *)
From Coq Require Import ZArith List Bool Lia.
From Ashlar Require Import Words.
Import ListNotations.
Open Scope Z_scope.

Record bins := Bins { heads : Z -> list Z; lists : level; tops : level }.   (* tops has one word: words_ *)
Definition empty : bins := Bins (fun _ => []) (fun _ => 0) (fun _ => 0).
Definition nonempty (l : list Z) : bool := match l with [] => false | _ => true end.
Definition put_list (f : Z -> list Z) (b : Z) (l : list Z) : Z -> list Z := fun x => if x =? b then l else f x.

Definition push (s : bins) (b x : Z) : bins :=
  Bins (put_list (heads s) b (x :: heads s b)) (set (lists s) b) (set (tops s) (b / 64)).
Definition remove (s : bins) (b x : Z) : bins :=
  let l := List.remove Z.eq_dec x (heads s b) in
  let ls := if nonempty l then lists s else clear (lists s) b in
  Bins (put_list (heads s) b l) ls (if ls (b / 64) =? 0 then clear (tops s) (b / 64) else tops s).
Definition first_from (s : bins) (count b : Z) : Z :=
  let here := from (lists s) b in
  if negb (here =? 0) then 64 * (b / 64) + ctz here
  else let above := from (tops s) (b / 64 + 1) in   (* words_ & (~1 << b / 64) *)
       if (above =? 0) || (b / 64 =? 63) then count else let w := ctz above in 64 * w + ctz (lists s w).

(* free_bins.I1 *)
Definition ok (s : bins) : Prop := words (lists s) /\ words (tops s) /\
  (forall b, 0 <= b < 4096 -> has (lists s) b = nonempty (heads s b)) /\
  (forall w, 0 <= w < 64 -> has (tops s) w = negb (lists s w =? 0)).

Theorem empty_ok : ok empty.
Proof. repeat split; simpl; try lia; intros; unfold has; simpl; apply Z.bits_0. Qed.
Lemma zero_set l i : words l -> 0 <= i -> forall w, 0 <= w -> (set l i w =? 0) = (l w =? 0) && negb (w =? i / 64).
Proof.
  intros W I w Hw. destruct (Z.eqb_spec w (i / 64)) as [->|N]; simpl.
  - rewrite andb_false_r. apply Z.eqb_neq. intros E.
    assert (H := proj1 (word_empty (set l i) (i / 64) (words_set l i W)) E i).
    pose proof (Z.div_mod i 64 ltac:(lia)). pose proof (Z.mod_pos_bound i 64 ltac:(lia)).
    specialize (H ltac:(lia)). rewrite has_set, Z.eqb_refl, orb_true_r in H. discriminate.
  - rewrite andb_true_r. unfold set, put. now replace (w =? i / 64) with false by (symmetry; apply Z.eqb_neq; trivial).
Qed.
Lemma eqb_div b : 0 <= b < 4096 -> 0 <= b / 64 < 64.
Proof. intros. split; [apply Z.div_pos; lia|apply Z.div_lt_upper_bound; lia]. Qed.
Theorem push_ok s b x : ok s -> 0 <= b < 4096 -> ok (push s b x).
Proof.
  intros (A & B & C & D) R. split; [|split; [|split]]; simpl.
  - apply words_set; trivial.
  - apply words_set; trivial.
  - intros c Rc. rewrite has_set, C by trivial. unfold put_list. destruct (c =? b); simpl; [apply orb_true_r|apply orb_false_r].
  - intros w Rw. rewrite has_set, D, zero_set by (trivial; lia). now rewrite negb_andb, negb_involutive.
Qed.
Theorem remove_ok s b x : ok s -> 0 <= b < 4096 -> ok (remove s b x).
Proof.
  intros (A & B & C & D) R. pose proof (eqb_div b R) as Rw.
  set (l := List.remove Z.eq_dec x (heads s b)). set (ls := if nonempty l then lists s else clear (lists s) b).
  assert (Wl : words ls) by (unfold ls; destruct (nonempty l); [trivial|apply words_clear; trivial]).
  assert (Cl : forall c, 0 <= c < 4096 -> has ls c = nonempty (put_list (heads s) b l c)).
  { intros c Rc. unfold ls, put_list. destruct (nonempty l) eqn:E.
    - rewrite C by trivial. destruct (Z.eqb_spec c b) as [->|N]; trivial. rewrite E.
      unfold l in E. destruct (heads s b); [discriminate|reflexivity].
    - rewrite has_clear, C by trivial. destruct (c =? b); simpl; [rewrite E; apply andb_false_r|apply andb_true_r]. }
  assert (Dl : forall w, 0 <= w < 64 -> w <> b / 64 -> (ls w =? 0) = (lists s w =? 0)).
  { intros w _ N. unfold ls. destruct (nonempty l); trivial. unfold clear, put.
    now replace (w =? b / 64) with false by (symmetry; apply Z.eqb_neq; trivial). }
  unfold remove. fold l ls. split; [|split; [|split]]; cbn [heads lists tops]; trivial.
  - destruct (ls (b / 64) =? 0); [apply words_clear|]; trivial.
  - intros w Hw. destruct (Z.eq_dec w (b / 64)) as [->|N].
    + destruct (ls (b / 64) =? 0) eqn:E; [rewrite has_clear, Z.eqb_refl; apply andb_false_r|].
      rewrite D by trivial. apply Z.eqb_neq in E. apply negb_true_iff, Z.eqb_neq. intros Z0. apply E.
      unfold ls. destruct (nonempty l); trivial. unfold clear, put. rewrite Z.eqb_refl, Z0. reflexivity.
    + rewrite (Dl w Hw N), <- (D w Hw). destruct (ls (b / 64) =? 0); [|reflexivity].
      rewrite has_clear. replace (w =? b / 64) with false by (symmetry; apply Z.eqb_neq; exact N). apply andb_true_r.
Qed.
(* The first list from b on that is not empty; count where there is none. No loop: two looks at most. *)
Theorem first_from_spec s count b : ok s -> 0 <= b < count -> count <= 4096 -> (forall c, count <= c < 4096 -> heads s c = []) ->
  let r := first_from s count b in
  b <= r <= count /\ (r < count -> heads s r <> []) /\ forall c, b <= c < r -> heads s c = [].
Proof.
  intros (A & B & C & D) R L H. assert (E : forall c, 0 <= c < 4096 -> has (lists s) c = false -> heads s c = []).
  { intros c Rc N. rewrite C in N by trivial. destruct (heads s c); [trivial|discriminate]. }
  assert (F : forall c, 0 <= c < 4096 -> has (lists s) c = true -> heads s c <> [] /\ c < count).
  { intros c Rc N. rewrite C in N by trivial. destruct (Z_lt_ge_dec c count) as [|G]; [|rewrite H in N by lia; discriminate].
    split; [|lia]. intros Q. rewrite Q in N. discriminate. }
  pose proof (Z.div_mod b 64 ltac:(lia)). pose proof (Z.mod_pos_bound b 64 ltac:(lia)). pose proof (eqb_div b ltac:(lia)) as W.
  cbv zeta. unfold first_from. pose proof (from_spec (lists s) b ltac:(lia) A) as S.
  destruct (from (lists s) b =? 0) eqn:Z0; cbn [negb].
  - pose proof (from_spec (tops s) (b / 64 + 1) ltac:(lia) B) as T.
    assert (G : forall w, b / 64 < w < 64 -> has (tops s) w = false -> forall c, 64 * w <= c < 64 * w + 64 -> heads s c = []).
    { intros w Rw N c Rc. rewrite D in N by lia. apply negb_false_iff, Z.eqb_eq in N. apply E; [lia|].
      apply (proj1 (word_empty (lists s) w A) N). trivial. }
    assert (All : (forall w, b / 64 < w < 64 -> has (tops s) w = false) ->
                  b <= count <= count /\ (count < count -> heads s count <> []) /\ forall c, b <= c < count -> heads s c = []).
    { intros N. split; [lia|]. split; [lia|]. intros c Rc. pose proof (Z.div_mod c 64 ltac:(lia)).
      pose proof (Z.mod_pos_bound c 64 ltac:(lia)). pose proof (eqb_div c ltac:(lia)).
      destruct (Z.eq_dec (c / 64) (b / 64)) as [Q|Q]; [apply E; [lia|]; apply S; lia|].
      apply (G (c / 64)); [|apply N|]; lia. }
    destruct (Z.eqb_spec (b / 64) 63) as [M|M]; [rewrite orb_true_r; apply All; lia|]. rewrite orb_false_r.
    assert (Q0 : (b / 64 + 1) / 64 = 0) by (apply Z.div_small; lia). rewrite Q0 in T.
    destruct (from (tops s) (b / 64 + 1) =? 0) eqn:Z1; [apply All; intros w Rw; apply T; lia|].
    cbv zeta in T. destruct T as (T1 & T2 & T3). set (w := ctz (from (tops s) (b / 64 + 1))) in *.
    replace (64 * 0 + w) with w in * by lia. rewrite D in T2 by lia. apply negb_true_iff, Z.eqb_neq in T2.
    assert (P : 0 < lists s w) by (destruct (A w); lia). destruct (ctz_spec _ P) as (C0 & C1 & C2).
    assert (C3 : ctz (lists s w) < 64).
    { destruct (Z_lt_ge_dec (ctz (lists s w)) 64); trivial. rewrite (word_high _ _ (A w)) in C1 by lia. discriminate. }
    assert (Hw : forall i, 0 <= i < 64 -> has (lists s) (64 * w + i) = Z.testbit (lists s w) i).
    { intros i I. unfold has. replace ((64 * w + i) / 64) with w by (apply Z.div_unique with i; lia).
      f_equal. symmetry. apply Z.mod_unique with w; lia. }
    rewrite <- Hw in C1 by lia. destruct (F (64 * w + ctz (lists s w)) ltac:(lia) C1) as [F1 F2]. split; [lia|]. split; [trivial|].
    intros c Rc. pose proof (Z.div_mod c 64 ltac:(lia)). pose proof (Z.mod_pos_bound c 64 ltac:(lia)). pose proof (eqb_div c ltac:(lia)).
    destruct (Z.eq_dec (c / 64) (b / 64)) as [Q|Q]; [apply E; [lia|]; apply S; lia|].
    destruct (Z.eq_dec (c / 64) w) as [V|V]; [|apply (G (c / 64)); [|apply T3|]; lia].
    apply E; [lia|]. replace c with (64 * w + c mod 64) by lia. rewrite Hw by lia. apply C2. lia.
  - cbv zeta in S. destruct S as (S1 & S2 & S3). destruct (F (64 * (b / 64) + ctz (from (lists s) b)) ltac:(lia) S2) as [F1 F2]. split; [lia|]. split; [trivial|].
    intros c Rc. apply E; [lia|]. apply S3. lia.
Qed.
(* Reversibility: what was pushed last and is removed leaves the lists as they were. *)
Theorem remove_push s b x : ~ In x (heads s b) -> forall c, heads (remove (push s b x) b x) c = heads s c.
Proof.
  intros N c. simpl. unfold put_list. rewrite Z.eqb_refl. destruct (Z.eqb_spec c b) as [->|]; trivial.
  simpl. destruct (Z.eq_dec x x); [|tauto]. apply notin_remove. trivial.
Qed.

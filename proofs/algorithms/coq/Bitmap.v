(* Bitmap.v - strategy/bitmap.hpp: a bit a block that is set when it is free, summaries of words, runs of blocks.

   Level 0 has the bits of the blocks; bit w of a level above tells whether word w below is not zero. Blocks are
   numbered from 0; which numbers an alignment allows is a predicate. *)
From Coq Require Import ZArith List Bool Lia.
From Ashlar Require Import Words.
Import ListNotations.
Open Scope Z_scope.
Arguments Z.mul : simpl never.
Arguments Z.add : simpl never.

(* next_free: up to a level that knows of a bit further on, and down to it again. *)
Fixpoint next (ls : list level) (i : Z) : option Z :=
  match ls with
  | [] => None
  | l :: up =>
      let here := from l i in
      if here =? 0 then match next up (i / 64 + 1) with Some w => Some (64 * w + ctz (l w)) | None => None end
      else Some (64 * (i / 64) + ctz here)
  end.
(* A word below has become nonzero, or zero: its bit above, and so on upwards as far as that matters. *)
Fixpoint raise (ls : list level) (w : Z) : list level :=
  match ls with [] => [] | l :: up => set l w :: raise up (w / 64) end.
Fixpoint lower (ls : list level) (w : Z) : list level :=
  match ls with [] => [] | l :: up => let l' := clear l w in l' :: (if l' (w / 64) =? 0 then lower up (w / 64) else up) end.
Definition set_free (ls : list level) (i : Z) : list level :=
  match ls with [] => [] | l :: up => set l i :: (if l (i / 64) =? 0 then raise up (i / 64) else up) end.
Definition set_used (ls : list level) (i : Z) : list level := lower ls i.
Fixpoint each (f : list level -> Z -> list level) (ls : list level) (i : Z) (n : nat) : list level :=
  match n with O => ls | S m => each f (f ls i) (i + 1) m end.

Definition free (ls : list level) (i : Z) : bool := match ls with [] => false | l :: _ => has l i end.
(* next_used, in [i, i + n) *)
Fixpoint all_free (ls : list level) (i : Z) (n : nat) : Z :=
  match n with O => i | S m => if free ls i then all_free ls (i + 1) m else i end.
Fixpoint skip (aligned : Z -> bool) (i : Z) (n : nat) : Z :=
  match n with O => i | S m => if aligned i then i else skip aligned (i + 1) m end.
(* find: the run that was tried and failed is passed as a whole. *)
Fixpoint find (fuel : nat) (ls : list level) (blocks : Z) (aligned : Z -> bool) (n : Z) (i : Z) : option Z :=
  match fuel with
  | O => None
  | S more =>
      match next ls i with
      | None => None
      | Some j =>
          let a := skip aligned j (Z.to_nat (blocks - j)) in
          if blocks <? a + n then None
          else let used := all_free ls a (Z.to_nat n) in
               if used =? a + n then Some a else find more ls blocks aligned n (used + 1)
      end
  end.

(* bitmap.I1: `told` says which words of the level below are not zero. The last level is a single word. *)
Fixpoint chain (told : Z -> bool) (ls : list level) : Prop :=
  match ls with
  | [] => forall w, 1 <= w -> told w = false
  | l :: up => words l /\ (forall w, 0 <= w -> has l w = told w) /\ chain (fun w => negb (l w =? 0)) up
  end.
Definition ok (ls : list level) : Prop :=
  match ls with [] => False | l :: up => words l /\ chain (fun w => negb (l w =? 0)) up end.
Fixpoint cap (ls : list level) : Z := match ls with [] => 1 | _ :: up => 64 * cap up end.

Lemma div64 i : 0 <= i -> 64 * (i / 64) <= i < 64 * (i / 64) + 64 /\ 0 <= i / 64.
Proof.
  intros. pose proof (Z.div_mod i 64 ltac:(lia)). pose proof (Z.mod_pos_bound i 64 ltac:(lia)).
  pose proof (Z.div_pos i 64 ltac:(lia) ltac:(lia)). lia.
Qed.
Lemma lowest l w : words l -> l w <> 0 -> 0 <= w -> let j := 64 * w + ctz (l w) in
  64 * w <= j < 64 * w + 64 /\ has l j = true /\ forall k, 64 * w <= k < j -> has l k = false.
Proof.
  intros W N P. pose proof (from_spec l (64 * w) ltac:(lia) W) as S.
  assert (E : 64 * w / 64 = w) by (symmetry; apply Z.div_unique with 0; lia).
  assert (F : from l (64 * w) = l w).
  { unfold from. rewrite E. replace (64 * w mod 64) with 0 by (apply Z.mod_unique with w; lia). apply Z.ldiff_0_r. }
  rewrite F, E in S. replace (l w =? 0) with false in S by (symmetry; apply Z.eqb_neq; trivial). exact S.
Qed.
(* The first set bit of a level at or behind i, if there is one. *)
Lemma next_chain ls : forall told i, chain told ls -> 0 <= i ->
  match ls with
  | [] => True
  | l :: _ => match next ls i with
              | Some j => i <= j /\ has l j = true /\ forall k, i <= k < j -> has l k = false
              | None => forall k, i <= k -> has l k = false
              end
  end.
Proof.
  induction ls as [|l up IH]; intros told i C I; trivial. destruct C as (W & _ & C). cbn [next].
  pose proof (from_spec l i I W) as S. destruct (div64 i I) as [D P].
  destruct (from l i =? 0) eqn:E; cbv zeta in *.
  - specialize (IH _ (i / 64 + 1) C ltac:(lia)). destruct up as [|u up].
    + cbn [next]. intros k K. destruct (Z_lt_ge_dec k (64 * (i / 64) + 64)); [apply S; lia|].
      destruct (div64 k ltac:(lia)) as [D' P']. specialize (C (k / 64) ltac:(lia)). apply negb_false_iff, Z.eqb_eq in C.
      apply (proj1 (word_empty l (k / 64) W) C). lia.
    + destruct C as (_ & C & _). assert (G : forall k, i <= k -> (forall w, i / 64 < w -> w = k / 64 -> has u w = false) -> has l k = false).
      { intros k K N. destruct (Z_lt_ge_dec k (64 * (i / 64) + 64)); [apply S; lia|]. destruct (div64 k ltac:(lia)) as [D' P'].
        specialize (N (k / 64) ltac:(lia) eq_refl). rewrite C in N by lia. apply negb_false_iff, Z.eqb_eq in N.
        apply (proj1 (word_empty l (k / 64) W) N). lia. }
      destruct (next (u :: up) (i / 64 + 1)) as [w|].
      * destruct IH as (A & B & F). rewrite C in B by lia. apply negb_true_iff, Z.eqb_neq in B.
        destruct (lowest l w W B ltac:(lia)) as (L1 & L2 & L3). split; [lia|]. split; [trivial|]. intros k K.
        destruct (div64 k ltac:(lia)) as [D' P']. destruct (Z.eq_dec (k / 64) w) as [Q|Q]; [apply L3; lia|].
        apply G; [lia|]. intros v V ->. apply F. lia.
      * intros k K. apply G; trivial. intros w V ->. apply IH. lia.
  - destruct S as (A & B & F). auto with zarith.
Qed.
Theorem next_spec ls i : ok ls -> 0 <= i -> match next ls i with
  | Some j => i <= j /\ free ls j = true /\ forall k, i <= k < j -> free ls k = false
  | None => forall k, i <= k -> free ls k = false
  end.
Proof.
  destruct ls as [|l up]; [intros []|]. intros [W C] I.
  apply (next_chain (l :: up) (fun w => has l w) i); trivial. simpl. auto.
Qed.

Lemma chain_ext ls f g : (forall w, 0 <= w -> f w = g w) -> chain f ls -> chain g ls.
Proof.
  intros E. destruct ls as [|l up]; simpl.
  - intros C w H. rewrite <- E by lia. auto.
  - intros (W & C & D). split; trivial. split; trivial. intros w H. rewrite C by trivial. auto.
Qed.
Lemma set_zero l i w : words l -> 0 <= i -> 0 <= w -> negb (set l i w =? 0) = negb (l w =? 0) || (w =? i / 64).
Proof.
  intros W I P. destruct (div64 i I) as [D _]. destruct (Z.eqb_spec w (i / 64)) as [->|N].
  - rewrite orb_true_r. apply negb_true_iff, Z.eqb_neq. intros E.
    pose proof (proj1 (word_empty _ (i / 64) (words_set l i W)) E i D) as H. rewrite has_set, Z.eqb_refl, orb_true_r in H. discriminate.
  - rewrite orb_false_r. unfold set, put. now replace (w =? i / 64) with false by (symmetry; apply Z.eqb_neq; trivial).
Qed.
Lemma raise_chain ls : forall told w, chain told ls -> 0 <= w < cap ls -> chain (fun v => told v || (v =? w)) (raise ls w).
Proof.
  induction ls as [|l up IH]; intros told w C R; simpl in *.
  - intros v V. rewrite C by lia. replace (v =? w) with false by (symmetry; apply Z.eqb_neq; lia). reflexivity.
  - destruct C as (W & C & D). split; [apply words_set; trivial|]. split.
    + intros v V. rewrite has_set, C by trivial. reflexivity.
    + destruct (div64 w ltac:(lia)) as [E P]. specialize (IH _ (w / 64) D ltac:(lia)).
      eapply chain_ext; [|exact IH]. intros v V. simpl. symmetry. apply set_zero; trivial; lia.
Qed.
Lemma lower_chain ls : forall told w, chain told ls -> 0 <= w -> chain (fun v => told v && negb (v =? w)) (lower ls w).
Proof.
  induction ls as [|l up IH]; intros told w C R; simpl in *.
  - intros v V. rewrite C by lia. reflexivity.
  - destruct C as (W & C & D). split; [apply words_clear; trivial|]. split.
    + intros v V. rewrite has_clear, C by trivial. reflexivity.
    + destruct (div64 w R) as [E P]. destruct (clear l w (w / 64) =? 0) eqn:Z0.
      * eapply chain_ext; [|exact (IH _ (w / 64) D P)]. intros v V. simpl. destruct (Z.eqb_spec v (w / 64)) as [->|N].
        -- rewrite Z0, andb_false_r. reflexivity.
        -- rewrite andb_true_r. unfold clear, put. now replace (v =? w / 64) with false by (symmetry; apply Z.eqb_neq; trivial).
      * eapply chain_ext; [|exact D]. intros v V. simpl. destruct (Z.eqb_spec v (w / 64)) as [->|N].
        -- rewrite Z0. simpl. apply negb_true_iff, Z.eqb_neq. intros Q. unfold clear, put in Z0. rewrite Z.eqb_refl, Q in Z0.
           rewrite Z.ldiff_0_l in Z0. discriminate.
        -- unfold clear, put. now replace (v =? w / 64) with false by (symmetry; apply Z.eqb_neq; trivial).
Qed.
(* bitmap.I1 is kept; just the one bit changes. *)
Theorem set_free_ok ls i : ok ls -> 0 <= i < cap ls -> ok (set_free ls i) /\ forall j, free (set_free ls i) j = free ls j || (j =? i).
Proof.
  destruct ls as [|l up]; [intros []|]. intros [W C] R. simpl in R. destruct (div64 i ltac:(lia)) as [E P]. simpl. split; [split|].
  - apply words_set; trivial.
  - destruct (l (i / 64) =? 0) eqn:Z0.
    + eapply chain_ext; [|exact (raise_chain up _ (i / 64) C ltac:(lia))]. intros v V. simpl. symmetry. apply set_zero; trivial; lia.
    + eapply chain_ext; [|exact C]. intros v V. simpl. rewrite set_zero by (trivial; lia).
      destruct (Z.eqb_spec v (i / 64)) as [->|]; [rewrite Z0; reflexivity|now rewrite orb_false_r].
  - intros j. apply has_set.
Qed.
Theorem set_used_ok ls i : ok ls -> 0 <= i -> ok (set_used ls i) /\ forall j, free (set_used ls i) j = free ls j && negb (j =? i).
Proof.
  destruct ls as [|l up]; [intros []|]. intros [W C] R. split.
  - assert (H : chain (fun w => has l w) (l :: up)) by (simpl; auto).
    pose proof (lower_chain (l :: up) _ i H R) as L. simpl in *. destruct L as (L1 & _ & L2). auto.
  - intros j. simpl. apply has_clear.
Qed.
Lemma cap_each f (H : forall ls i, cap (f ls i) = cap ls) n : forall ls i, cap (each f ls i n) = cap ls.
Proof. induction n as [|n IH]; intros ls i; simpl; trivial. now rewrite IH. Qed.
Lemma cap_raise ls : forall w, cap (raise ls w) = cap ls.
Proof. induction ls as [|l up IH]; intros w; simpl; trivial. now rewrite IH. Qed.
Lemma cap_free ls i : cap (set_free ls i) = cap ls.
Proof. destruct ls as [|l up]; simpl; trivial. destruct (l (i / 64) =? 0); trivial. now rewrite cap_raise. Qed.
(* A run: just its bits change. *)
Theorem free_run ls i n : ok ls -> 0 <= i -> i + Z.of_nat n <= cap ls ->
  ok (each set_free ls i n) /\ forall j, free (each set_free ls i n) j = free ls j || ((i <=? j) && (j <? i + Z.of_nat n)).
Proof.
  revert ls i. induction n as [|n IH]; intros ls i K I L; cbn [each].
  - split; trivial. intros j. replace (_ && _) with false; [now rewrite orb_false_r|]. symmetry. apply andb_false_iff.
    rewrite Z.leb_gt, Z.ltb_ge. lia.
  - destruct (set_free_ok ls i K ltac:(lia)) as [A B]. destruct (IH (set_free ls i) (i + 1) A ltac:(lia)) as [C D].
    { rewrite cap_free. lia. }
    split; trivial. intros j. rewrite D, B, <- orb_assoc. f_equal. apply Bool.eq_iff_eq_true.
    rewrite orb_true_iff, !andb_true_iff, Z.eqb_eq, !Z.leb_le, !Z.ltb_lt. lia.
Qed.
Theorem use_run ls i n : ok ls -> 0 <= i ->
  ok (each set_used ls i n) /\ forall j, free (each set_used ls i n) j = free ls j && negb ((i <=? j) && (j <? i + Z.of_nat n)).
Proof.
  revert ls i. induction n as [|n IH]; intros ls i K I; cbn [each].
  - split; trivial. intros j. replace ((i <=? j) && _) with false; [now rewrite andb_true_r|]. symmetry. apply andb_false_iff.
    rewrite Z.leb_gt, Z.ltb_ge. lia.
  - destruct (set_used_ok ls i K I) as [A B]. destruct (IH (set_used ls i) (i + 1) A ltac:(lia)) as [C D].
    split; trivial. intros j. rewrite D, B, <- andb_assoc. f_equal. rewrite <- negb_orb. f_equal. apply Bool.eq_iff_eq_true.
    rewrite orb_true_iff, !andb_true_iff, Z.eqb_eq, !Z.leb_le, !Z.ltb_lt. lia.
Qed.
